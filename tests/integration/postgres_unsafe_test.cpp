#include "integration/postgres_fixture.hpp"
#include "postgres/connection.hpp"
#include "support/postgres_pooler.hpp"
#include "support/unique_name.hpp"

namespace kinbox::testing {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::ThrowsMessage;

/// What start-up refuses: each condition broken by hand, and the words that lead out.
class PostgresUnsafe : public PostgresTest {
 protected:
  void expect_refused(const std::string& what, const std::string& way_out) {
    expect_refused(database(), what, way_out);
  }
  static void expect_refused(Database& database, const std::string& what,
                             const std::string& way_out) {
    EXPECT_THAT([&] { database.refuse_unsafe(); },
                ThrowsMessage<RefusedError>(AllOf(HasSubstr(what), HasSubstr(way_out))));
  }

  /// The driver as a role that owns nothing.
  std::unique_ptr<Database> connect_as(const std::string& role) {
    auto other = options();
    other.uri.replace(other.uri.find("postgres@"), 8, role);
    return connect(other);
  }
};

TEST_F(PostgresUnsafe, AMigratedDatabaseIsNotRefused) {
  EXPECT_NO_THROW(database().refuse_unsafe());
}

TEST_F(PostgresUnsafe, MissingTablesNameTheMigration) {
  admin("DROP TABLE {kinbox}.outbox, {kinbox}.outbox_lanes");
  expect_refused("lacks outbox, outbox_lanes", "kinbox migrate up");
}

TEST_F(PostgresUnsafe, AnUnloggedTable) {
  admin("ALTER TABLE {kinbox}.processed_events SET UNLOGGED");
  expect_refused("processed_events is UNLOGGED", "SET LOGGED");
}

TEST_F(PostgresUnsafe, IdsThatCompareByADictionary) {
  admin(
      "ALTER TABLE {kinbox}.processed_events ALTER COLUMN event_id TYPE text COLLATE \"en-x-icu\"");
  expect_refused("event_id has collation en-x-icu", "COLLATE \"C\"");
}

TEST_F(PostgresUnsafe, AnInboxWithoutItsKey) {
  admin("ALTER TABLE {kinbox}.processed_events DROP CONSTRAINT processed_events_pkey");
  expect_refused("no unique key on (consumer, event_id)", "ADD PRIMARY KEY (consumer, event_id)");
}

TEST_F(PostgresUnsafe, AnInboxWithAnotherKey) {
  admin(
      "ALTER TABLE {kinbox}.processed_events DROP CONSTRAINT processed_events_pkey, ADD PRIMARY "
      "KEY "
      "(consumer, event_id, processed_at)");
  expect_refused("no unique key", "ADD PRIMARY KEY");
}

TEST_F(PostgresUnsafe, AnInboxWhoseKeyCoversAPartOfIt) {
  admin(
      "ALTER TABLE {kinbox}.processed_events DROP CONSTRAINT processed_events_pkey; CREATE UNIQUE "
      "INDEX ON {kinbox}.processed_events (consumer, event_id) WHERE verdict = 'applied'");
  expect_refused("no unique key", "ADD PRIMARY KEY");
}

TEST_F(PostgresUnsafe, AnInboxWhoseKeyIsDeferred) {
  admin(
      "ALTER TABLE {kinbox}.processed_events DROP CONSTRAINT processed_events_pkey, ADD PRIMARY "
      "KEY "
      "(consumer, event_id) DEFERRABLE");
  expect_refused("no unique key", "ADD PRIMARY KEY");
}

TEST_F(PostgresUnsafe, AnInboxWhoseKeyWasAddedAgainIsFine) {
  admin(
      "ALTER TABLE {kinbox}.processed_events DROP CONSTRAINT processed_events_pkey, ADD CONSTRAINT "
      "mine UNIQUE (event_id, consumer)");
  EXPECT_NO_THROW(database().refuse_unsafe());
}

TEST_F(PostgresUnsafe, APartitionedInbox) {
  admin(
      "ALTER TABLE {kinbox}.processed_events RENAME TO old; CREATE TABLE {kinbox}.processed_events "
      "(LIKE {kinbox}.old INCLUDING ALL) PARTITION BY HASH (consumer)");
  expect_refused("processed_events is not one plain table", "Make it one table");
}

TEST_F(PostgresUnsafe, AnInboxWithAnHeir) {
  admin("CREATE TABLE {kinbox}.heir () INHERITS ({kinbox}.processed_events)");
  expect_refused("processed_events is not one plain table", "Make it one table");
}

TEST_F(PostgresUnsafe, AMissingOpenBatchKey) {
  admin("ALTER TABLE {kinbox}.consumer_progress DROP CONSTRAINT only_the_dispatcher_commits");
  expect_refused("has lost its constraint", "REFERENCES " + sql("{kinbox}") + ".no_open_batch");
}

TEST_F(PostgresUnsafe, AnOpenBatchKeyThatIsNotDeferred) {
  admin(
      "ALTER TABLE {kinbox}.consumer_progress ALTER CONSTRAINT only_the_dispatcher_commits "
      "DEFERRABLE INITIALLY IMMEDIATE");
  expect_refused("has lost its constraint", "DEFERRABLE INITIALLY DEFERRED");
}

TEST_F(PostgresUnsafe, AnOpenBatchKeyThatPointsElsewhere) {
  admin(
      "CREATE TABLE {kinbox}.other (id smallint PRIMARY KEY); ALTER TABLE "
      "{kinbox}.consumer_progress "
      "DROP CONSTRAINT only_the_dispatcher_commits, ADD FOREIGN KEY (open_batch) REFERENCES "
      "{kinbox}.other (id) DEFERRABLE INITIALLY DEFERRED");
  expect_refused("has lost its constraint", "no_open_batch");
}

TEST_F(PostgresUnsafe, DisabledConstraintTriggers) {
  admin("ALTER TABLE {kinbox}.consumer_progress DISABLE TRIGGER ALL");
  expect_refused("triggers are disabled", "Restore FOREIGN KEY");
}

TEST_F(PostgresUnsafe, ARoleForWhichForeignKeysAreOff) {
  auto replica = options();
  replica.uri += "?options=-c%20session_replication_role%3Dreplica";
  expect_refused(*connect(replica), "session_replication_role is replica", "RESET");
}

TEST_F(PostgresUnsafe, ATriggerOnTheInbox) {
  admin(
      "CREATE FUNCTION {kinbox}.swallow() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN "
      "NULL; "
      "END $$; CREATE TRIGGER hungry BEFORE INSERT ON {kinbox}.processed_events FOR EACH ROW "
      "EXECUTE "
      "FUNCTION {kinbox}.swallow()");
  expect_refused("trigger hungry", "Drop it");
}

TEST_F(PostgresUnsafe, ARoleWithoutPrivileges) {
  const auto role = unique_name("kinbox_role");
  admin("CREATE ROLE " + role + " LOGIN");
  const auto other = connect_as(role);
  expect_refused(*other, "role \"" + role + "\" may not use schema", "GRANT USAGE");
  admin("GRANT USAGE ON SCHEMA {kinbox} TO " + role);
  expect_refused(*other, "(role \"" + role + "\")", "GRANT SELECT, INSERT, UPDATE, DELETE");
  admin("GRANT SELECT, INSERT, UPDATE ON ALL TABLES IN SCHEMA {kinbox} TO " + role);
  expect_refused(*other, "a privilege is missing: DELETE on", "GRANT");
  admin("GRANT DELETE ON ALL TABLES IN SCHEMA {kinbox} TO " + role);
  EXPECT_NO_THROW(other->refuse_unsafe());
  admin("REVOKE SELECT ON {kinbox}.unresolved_letters FROM " + role);
  expect_refused(*other, "a privilege is missing: SELECT on", "GRANT");
  admin("REVOKE ALL ON SCHEMA {kinbox} FROM " + role + "; DROP OWNED BY " + role + "; DROP ROLE " +
        role);
}

TEST_F(PostgresUnsafe, ADatabaseInAnotherEncoding) {
  const auto name = unique_name("kinbox_latin");
  admin("CREATE DATABASE " + name +
        " TEMPLATE template0 ENCODING 'LATIN1' LOCALE 'C' LOCALE_PROVIDER libc");
  auto latin = options();
  latin.uri.replace(latin.uri.rfind('/') + 1, std::string::npos, name);
  {
    const auto other = connect(latin);
    expect_refused(*other, "encoding is LATIN1", "ENCODING 'UTF8'");
  }
  admin("DROP DATABASE " + name + " WITH (FORCE)");
}

class PostgresBehindPooler : public PostgresUnsafe {
 protected:
  std::unique_ptr<Database> connect_through(const PostgresPooler& pooler) {
    auto other = options();
    other.uri = PostgresService::get().uri_at_port(pooler.port());
    return connect(other);
  }

  void expect_refused_in(PostgresPooler::Mode mode) {
    const PostgresPooler pooler(PostgresService::get().port(), mode);
    expect_refused(*connect_through(pooler), "transaction pooling", "session mode");
  }
};

TEST_F(PostgresBehindPooler, TransactionPoolingIsRefusedWhicheverBackendComesNext) {
  expect_refused_in(PostgresPooler::Mode::kTransactionNewest);
  expect_refused_in(PostgresPooler::Mode::kTransactionOldest);
}

TEST_F(PostgresBehindPooler, SessionPoolingIsFine) {
  const PostgresPooler pooler(PostgresService::get().port(), PostgresPooler::Mode::kSession);
  const auto other = connect_through(pooler);
  EXPECT_NO_THROW(other->refuse_unsafe());
  const auto tx = other->begin();
  EXPECT_EQ(other->session(), tx->query("SELECT pg_backend_pid()::text")[0].get<std::string>(0));
}

// A pooler gives the server process to another client when this one is gone.
TEST_F(PostgresBehindPooler, ALostSessionIsNotEndedLater) {
  const PostgresPooler pooler(PostgresService::get().port(), PostgresPooler::Mode::kSession);
  auto pooled = options();
  pooled.uri = PostgresService::get().uri_at_port(pooler.port());
  EXPECT_EQ(postgres::Connection(pooled).how_to_end(), "");
  EXPECT_NE(postgres::Connection(options()).how_to_end(), "");
}

TEST_F(PostgresBehindPooler, AServerOlderThanTheOldestSupportedIsRefused) {
  const PostgresPooler pooler(PostgresService::get().port(), PostgresPooler::Mode::kSession,
                              "12.17");
  expect_refused(*connect_through(pooler), "PostgreSQL 12 is too old", "13 or newer");
}

}  // namespace
}  // namespace kinbox::testing
