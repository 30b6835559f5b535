#include <gmock/gmock.h>

#include <barrier>
#include <thread>

#include "core/checksum.hpp"
#include "kinbox/errors.hpp"
#include "kinbox/migrations.hpp"
#include "support/postgres_test_database.hpp"
#include "support/test_database.hpp"

namespace kinbox::testing {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::ThrowsMessage;

class MigrationContract : public DatabaseContract {
 protected:
  void prepare() override {}

  Migration step(int version, std::string sql, int min_reader = 1) {
    return {database().dialect().backend(), version, "000" + std::to_string(version) + "_step.sql",
            std::move(sql), min_reader};
  }
  /// Three steps; the last fails if it ever runs twice.
  SchemaComponent shop() {
    return {"shop",
            {step(1, "CREATE TABLE {kinbox}.shop (id BIGINT)"),
             step(2, "INSERT INTO {kinbox}.shop VALUES (2); INSERT INTO {kinbox}.shop VALUES (20)"),
             step(3, "CREATE TABLE {kinbox}.shelf (id BIGINT)")}};
  }
  SchemaMigrator migrator(SchemaComponent component) {
    return {database(), {std::move(component)}};
  }

  std::vector<std::string> states(SchemaMigrator& migrator) {
    std::vector<std::string> all;
    for (const auto& status : migrator.status())
      all.push_back(status.component + " " + std::to_string(status.version) + " " + status.state);
    return all;
  }
};

TEST_P(MigrationContract, UpAppliesEveryStepInOrderAndOnce) {
  auto shop_migrator = migrator(shop());
  EXPECT_THAT(shop_migrator.up(), ElementsAre("0001_step.sql", "0002_step.sql", "0003_step.sql"));
  EXPECT_THAT(shop_migrator.up(), IsEmpty());
  EXPECT_EQ(number("SELECT sum(id) FROM {kinbox}.shop"), 22);
}

TEST_P(MigrationContract, KinboxsOwnTablesComeFromTheBinary) {
  migrate(database());
  EXPECT_EQ(number("SELECT count(*) FROM {kinbox}.processed_events"), 0);
  EXPECT_EQ(number("SELECT count(*) FROM {kinbox}.outbox_lanes"), 64);
  database().refuse_unsafe();
}

TEST_P(MigrationContract, LettersKeepTheirStatesWhenTheseGetATableOfTheirOwn) {
  auto before = kinbox_component();
  std::erase_if(before.migrations, [](const Migration& step) { return step.version > 5; });
  migrator(before).up();
  const std::string none = is_sqlite() ? "x''" : "''";
  std::string letters;
  for (const auto* state : {"open", "requested", "resolved", "discarded"})
    letters += (letters.empty() ? "" : ", ") + std::string("('c', 't', 0, ") +
               std::to_string(letters.size()) + ", " + none + ", 'r', '" + state +
               "', '2026-01-31T12:00:00.000Z', 2)";
  script(database().dialect().render(
      "INSERT INTO {kinbox}.dead_letters (consumer, topic, partition, record_offset, fingerprint, "
      "reason, state, changed_at, redrive_count) VALUES " +
      letters +
      ";INSERT INTO {kinbox}.dead_letter_history (dead_letter_id, what, at) "
      "VALUES (3, 'applied', '2026-01-31T12:00:00.000Z');"
      "INSERT INTO {kinbox}.outbox (lane, message_id, topic, dead_letter_id) "
      "VALUES (0, 'm', 'd', 1)"));
  migrate(database());
  std::vector<std::string> states;
  for (const auto row : database().begin()->query(database().dialect().render(
           "SELECT state, redrive_count, CAST(changed_at AS text) FROM {kinbox}.dead_letters "
           "ORDER BY id"))) {
    states.push_back(row.get<std::string>(0));
    EXPECT_EQ(row.get<std::int64_t>(1), 2);
    EXPECT_THAT(row.get<std::string>(2), HasSubstr("2026-01-31"));
  }
  EXPECT_THAT(states, ElementsAre("open", "requested", "resolved", "discarded"));
  EXPECT_EQ(number("SELECT sum(redrive_count) FROM {kinbox}.letter_states"), 6);
  EXPECT_ANY_THROW(script(database().dialect().render("DELETE FROM {kinbox}.letters WHERE id = 1")))
      << "its row in the outbox refers to it still";
}

TEST_P(MigrationContract, StatusOfAnEmptyDatabaseChangesNothing) {
  auto shop_migrator = migrator(shop());
  EXPECT_THAT(states(shop_migrator),
              ElementsAre("shop 1 pending", "shop 2 pending", "shop 3 pending"));
  EXPECT_ANY_THROW(number("SELECT count(*) FROM {kinbox}.schema_history"));
}

TEST_P(MigrationContract, StatusTellsAppliedPendingAndUnknown) {
  auto newer = shop();
  migrator(newer).up();
  auto older = shop();
  older.migrations.pop_back();
  auto old_binary = migrator(older);
  EXPECT_THAT(states(old_binary),
              ElementsAre("shop 1 applied", "shop 2 applied", "shop 3 unknown"));
  newer.migrations.push_back(step(4, "SELECT 1"));
  auto new_binary = migrator(newer);
  EXPECT_THAT(states(new_binary),
              ElementsAre("shop 1 applied", "shop 2 applied", "shop 3 applied", "shop 4 pending"));
  EXPECT_THAT(new_binary.status()[0].applied_at, HasSubstr("20"));
}

TEST_P(MigrationContract, AnotherBinarysComponentIsShownAndLeftAlone) {
  migrator(shop()).up();
  auto other = migrator({"office", {step(1, "CREATE TABLE {kinbox}.office (id BIGINT)")}});
  EXPECT_THAT(states(other), ElementsAre("office 1 pending", "shop 1 unknown", "shop 2 unknown",
                                         "shop 3 unknown"));
  EXPECT_THAT(other.up(), ElementsAre("0001_step.sql"));
}

TEST_P(MigrationContract, TheHistoryHoldsTheChecksumOfTheRawText) {
  migrator(shop()).up();
  const auto tx = database().begin();
  const auto rows = tx->query(database().dialect().render(
      "SELECT checksum, file, duration_ms FROM {kinbox}.schema_history WHERE version = 1"));
  EXPECT_EQ(rows[0].get<std::string>("checksum"), checksum(shop().migrations[0].sql));
  EXPECT_EQ(rows[0].get<std::string>("file"), "0001_step.sql");
  EXPECT_GE(rows[0].get<std::int64_t>("duration_ms"), 0);
}

TEST_P(MigrationContract, AChangedTextIsRefusedByName) {
  migrator(shop()).up();
  auto changed = shop();
  changed.migrations[1].sql += " ";
  auto other = migrator(changed);
  const auto refused =
      ThrowsMessage<RefusedError>(AllOf(HasSubstr("0002_step.sql"), HasSubstr("changed")));
  EXPECT_THAT([&] { other.validate(); }, refused);
  EXPECT_THAT([&] { other.up(); }, refused);
  EXPECT_THAT([&] { other.require_current(); }, refused);
}

TEST_P(MigrationContract, ASchemaThatNeedsANewerBinaryIsRefusedByName) {
  auto newer = shop();
  newer.migrations.push_back(step(4, "SELECT 1", /*min_reader=*/4));
  migrator(newer).up();
  auto old_binary = migrator(shop());
  const auto refused =
      ThrowsMessage<RefusedError>(AllOf(HasSubstr("0004_step.sql"), HasSubstr("newer binary")));
  EXPECT_THAT([&] { old_binary.validate(); }, refused);
  EXPECT_THAT([&] { old_binary.up(); }, refused);
}

TEST_P(MigrationContract, AnOlderBinaryRunsUpToMinReader) {
  auto newer = shop();
  newer.migrations.push_back(step(4, "SELECT 1", /*min_reader=*/3));
  migrator(newer).up();
  auto old_binary = migrator(shop());
  EXPECT_NO_THROW(old_binary.require_current());
  EXPECT_THAT(old_binary.up(), IsEmpty());
}

TEST_P(MigrationContract, PendingStepsAreRefusedWhereTheyMustBeApplied) {
  auto shop_migrator = migrator(shop());
  EXPECT_THAT([&] { shop_migrator.require_current(); },
              ThrowsMessage<RefusedError>(
                  AllOf(HasSubstr("0001_step.sql"), HasSubstr("kinbox migrate up"))));
  shop_migrator.up();
  EXPECT_NO_THROW(shop_migrator.require_current());
}

TEST_P(MigrationContract, AStepThatFailsLeavesNeitherChangeNorHistory) {
  auto broken = shop();
  broken.migrations[1].sql = "INSERT INTO {kinbox}.shop VALUES (2); BROKEN";
  EXPECT_THROW(migrator(broken).up(), SqlError);
  EXPECT_EQ(number("SELECT count(*) FROM {kinbox}.shop"), 0);
  EXPECT_THAT(migrator(shop()).up(), ElementsAre("0002_step.sql", "0003_step.sql"));
}

TEST_P(MigrationContract, AStepCannotCommitItself) {
  auto broken = shop();
  broken.migrations[1].sql = "INSERT INTO {kinbox}.shop VALUES (2); COMMIT";
  EXPECT_ANY_THROW(migrator(broken).up());
  if (is_sqlite()) {
    EXPECT_EQ(number("SELECT count(*) FROM {kinbox}.shop"), 0);
  }
  EXPECT_EQ(number("SELECT max(version) FROM {kinbox}.schema_history"), 1);
}

TEST_P(MigrationContract, AHoleInTheHistoryIsRefused) {
  migrator(shop()).up();
  script("DELETE FROM {kinbox}.schema_history WHERE version = 2");
  EXPECT_THAT([&] { migrator(shop()).up(); },
              ThrowsMessage<RefusedError>(HasSubstr("0002_step.sql")));
}

TEST_P(MigrationContract, ConcurrentStartersApplyEachStepOnce) {
  constexpr int kStarters = 4;
  std::barrier start(kStarters);
  std::atomic<int> applied = 0;
  std::vector<std::thread> starters;
  for (int i = 0; i < kStarters; ++i)
    starters.emplace_back([&] {
      const auto own = connect();
      SchemaMigrator own_migrator(*own, {shop()});
      start.arrive_and_wait();
      applied += static_cast<int>(own_migrator.up().size());
    });
  for (auto& starter : starters) starter.join();
  EXPECT_EQ(applied, 3);
  EXPECT_EQ(number("SELECT sum(id) FROM {kinbox}.shop"), 22);
}

TEST_P(MigrationContract, ComponentsHaveHistoriesOfTheirOwn) {
  SchemaMigrator both(database(), {kinbox_component(), shop()});
  EXPECT_EQ(both.up().size(), kinbox_component().migrations.size() / 2 + 3);
  EXPECT_THAT(states(both).back(), "shop 3 applied");
}

TEST_P(MigrationContract, NumbersWithAGapAreAMistakeOfTheProgram) {
  auto gap = shop();
  gap.migrations.erase(gap.migrations.begin() + 1);
  EXPECT_THAT([&] { migrator(gap); },
              ThrowsMessage<ConfigurationError>(HasSubstr("0003_step.sql")));
}

TEST_P(MigrationContract, TwoComponentsOfOneNameAreAMistakeOfTheProgram) {
  EXPECT_THAT(
      [&] {
        SchemaMigrator(database(), {shop(), shop()});
      },
      ThrowsMessage<ConfigurationError>(HasSubstr("\"shop\"")));
}

TEST_P(MigrationContract, StepsOfOtherDatabasesAreNotSeen) {
  auto foreign = shop();
  for (auto& migration : foreign.migrations)
    migration.backend = is_sqlite() ? Backend::kPostgres : Backend::kSqlite;
  EXPECT_THAT(migrator(foreign).up(), IsEmpty());
}

class PostgresMigration : public MigrationContract {};

TEST_P(PostgresMigration, AStepMayTakeLongerThanAStatementOfAHandler) {
  auto options = dynamic_cast<PostgresTestDatabase&>(home()).options();
  options.statement_timeout = std::chrono::milliseconds(50);
  const auto hasty = postgres::factory(options)();
  SchemaMigrator slow(*hasty, {{"shop", {step(1, "SELECT pg_sleep(0.2)")}}});
  EXPECT_THAT(slow.up(), ElementsAre("0001_step.sql"));
}

TEST_P(PostgresMigration, ASchemaThatIsThereAlreadyIsUsed) {
  script("CREATE SCHEMA {kinbox}");
  EXPECT_EQ(migrator(shop()).up().size(), 3u);
}

TEST_P(PostgresMigration, ARoleThatMayNotCreateCanStartOnACurrentSchema) {
  migrator(shop()).up();
  const auto& owner = dynamic_cast<PostgresTestDatabase&>(home());
  const auto role = owner.schema() + "_role";
  script("CREATE ROLE " + role + "; GRANT USAGE ON SCHEMA {kinbox} TO " + role +
         "; GRANT SELECT ON ALL TABLES IN SCHEMA {kinbox} TO " + role);
  auto options = owner.options();
  options.uri += "?options=-crole%3D" + role;
  const auto runner = postgres::factory(options)();
  EXPECT_THAT(SchemaMigrator(*runner, {shop()}).up(), IsEmpty());
  script("DROP OWNED BY " + role + "; DROP ROLE " + role);
}

INSTANTIATE_TEST_SUITE_P(On, PostgresMigration, ::testing::Values(postgres_kind()),
                         [](const auto& kind) { return kind.param.name; });

}  // namespace

KINBOX_FOR_ALL_DATABASES(MigrationContract);

}  // namespace kinbox::testing
