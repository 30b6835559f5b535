// Equal inserts of a batch that are sent as one: the same rows, defaults, conflicts and blame.
#include <random>
#include <string>
#include <vector>

#include "integration/postgres_fixture.hpp"
#include "kinbox/postgres/native.hpp"

namespace kinbox::testing {
namespace {

using ::testing::Property;
using ::testing::Throws;

class PostgresCoalescing : public PostgresTest {
 protected:
  using Params = std::vector<SqlParam>;

  /// Runs `event` for each number as the handler of an event of its own, in one transaction.
  template <typename Event>
  void run_events(OpenTransaction& tx, int events, Event event) {
    for (int n = 0; n < events; ++n) {
      const HandlerScope handler(tx);
      event(tx, n);
    }
  }

  /// How many commands inserted what is in `table`.
  std::string commands(const std::string& table) {
    return admin("SELECT count(DISTINCT cmin::text) FROM {kinbox}." + table);
  }

  void insert_ten(const std::string& text) {
    const auto tx = database().begin();
    run_events(*tx, 10, [&](Transaction& t, int n) { t.execute(sql(text), n); });
    tx->commit();
  }
};

TEST_F(PostgresCoalescing, EqualInsertsAreOneCommand) {
  insert_ten("INSERT INTO {kinbox}.orders (id) VALUES ($1)");
  EXPECT_EQ(orders(), "10");
  EXPECT_EQ(commands("orders"), "1");
}

TEST_F(PostgresCoalescing, InsertsOfEachEventIntoTwoTablesAreTwoCommands) {
  admin("CREATE TABLE {kinbox}.lines (order_id bigint REFERENCES {kinbox}.orders, n integer)");
  const auto tx = database().begin();
  run_events(*tx, 10, [&](Transaction& t, int n) {
    t.execute(insert(), n);
    t.execute(sql("INSERT INTO {kinbox}.lines (order_id, n) VALUES ($1, $2)"), n, 1);
    t.execute(sql("INSERT INTO {kinbox}.lines (order_id, n) VALUES ($1, $2)"), n, 2);
  });
  tx->commit();
  EXPECT_EQ(commands("orders"), "1");
  EXPECT_EQ(commands("lines"), "1");
  EXPECT_EQ(admin("SELECT count(*) FROM {kinbox}.lines"), "20");
}

TEST_F(PostgresCoalescing, AQuerySeesTheRowsThatWait) {
  const auto tx = database().begin();
  run_events(*tx, 5, [&](Transaction& t, int n) {
    t.execute(insert(), n);
    EXPECT_EQ(t.query(sql("SELECT count(*) FROM {kinbox}.orders"))[0].get<std::int64_t>(0), n + 1);
  });
  tx->commit();
}

TEST_F(PostgresCoalescing, AnotherStatementRunsBehindTheRowsThatWait) {
  const auto tx = database().begin();
  run_events(*tx, 5, [&](Transaction& t, int n) {
    t.execute(insert(), n);
    if (n == 2) t.execute(sql("UPDATE {kinbox}.orders SET note = 'early'"));
  });
  tx->commit();
  EXPECT_EQ(admin("SELECT string_agg(id::text, ' ' ORDER BY id) FROM {kinbox}.orders "
                  "WHERE note = 'early'"),
            "0 1 2");
}

TEST_F(PostgresCoalescing, AffectedRowsAreTheStatementsOwn) {
  const auto once = insert() + " ON CONFLICT (id) DO NOTHING";
  const auto tx = database().begin();
  run_events(*tx, 6, [&](Transaction& t, int n) {
    const auto first = t.execute(once, n / 2);
    const auto second = t.execute(once, 100 + n);
    const auto third = t.execute(once, 100 + n);
    if (n < 3) return;
    EXPECT_EQ(first.affected_rows(), n % 2 == 0 ? 1 : 0) << n;
    EXPECT_EQ(second.affected_rows(), 1) << n;
    EXPECT_EQ(third.affected_rows(), 0) << n;
  });
  tx->commit();
}

// The connection asks the server about a text that it meets for the first time.
TEST_F(PostgresCoalescing, AffectedRowsAreTheStatementsOwnFromTheFirstOneOn) {
  admin("CREATE TABLE {kinbox}.lines (id bigint)");
  const auto tx = database().begin();
  run_events(*tx, 1, [&](Transaction& t, int) {
    const auto first = t.execute(insert(), 1);
    const auto other = t.execute(sql("INSERT INTO {kinbox}.lines (id) VALUES ($1)"), 1);
    EXPECT_EQ(first.affected_rows(), 1);
    EXPECT_EQ(other.affected_rows(), 1);
  });
  tx->commit();
}

// The plain one would meet a row that was not there yet, were it moved to the front.
TEST_F(PostgresCoalescing, TwoStatementsForOneTableKeepTheirOrder) {
  const auto tx = database().begin();
  const auto lenient = insert() + " ON CONFLICT (id) DO NOTHING";
  run_events(*tx, 3, [&](Transaction& t, int n) {
    if (n == 0) t.execute(insert(), 2);
    if (n == 1) t.execute(lenient, 1);
    if (n == 2) t.execute(insert(), 1);
  });
  EXPECT_THAT([&] { tx->commit(); }, Throws<SqlError>(Property(&SqlError::code, "23505")));
}

TEST_F(PostgresCoalescing, AFailureOfManyNamesNobody) {
  const auto tx = database().begin();
  run_events(*tx, 10, [&](Transaction& t, int n) { t.execute(insert(), n == 7 ? 3 : n); });
  EXPECT_THAT([&] { tx->commit(); },
              Throws<SqlError>(Property(&SqlError::statement, kOneOfSeveral)));
}

TEST_F(PostgresCoalescing, AFailureOneByOneNamesItsStatement) {
  const auto tx = database().begin();
  tx->send_one_by_one();
  run_events(*tx, 10, [&](Transaction& t, int n) { t.execute(insert(), n == 7 ? 3 : n); });
  EXPECT_THAT([&] { tx->commit(); }, Throws<SqlError>(Property(&SqlError::statement, 8)));
}

TEST_F(PostgresCoalescing, MoreThanFitsIsSentInBetween) {
  const std::string note(10'000, 'n');
  const auto tx = database().begin();
  run_events(*tx, 500, [&](Transaction& t, int n) {
    t.execute(sql("INSERT INTO {kinbox}.orders (id, note) VALUES ($1, $2)"), n, note);
  });
  tx->commit();
  EXPECT_EQ(orders(), "500");
  EXPECT_EQ(commands("orders"), "5");
}

TEST_F(PostgresCoalescing, OneEventWithThousandsOfRowsIsBounded) {
  const auto tx = database().begin();
  run_events(*tx, 1, [&](Transaction& t, int) {
    std::vector<Executed> all;
    for (int id = 0; id < 3'000; ++id) all.push_back(t.execute(insert(), id));
    EXPECT_EQ(all[10].affected_rows(), 1);
    EXPECT_EQ(all[2'990].affected_rows(), 1);
  });
  tx->commit();
  EXPECT_EQ(orders(), "3000");
}

TEST_F(PostgresCoalescing, IsLeftOutWhereNativeAccessIsInUse) {
  const auto tx = database().begin();
  run_events(*tx, 3, [&](Transaction& t, int n) {
    postgres::native(t);
    t.execute(insert(), n);
  });
  tx->commit();
  EXPECT_EQ(commands("orders"), "3");
}

TEST_F(PostgresCoalescing, IsForHandlersOnly) {
  const auto tx = database().begin();
  for (int id = 0; id < 3; ++id) tx->execute(insert(), id);
  tx->commit();
  EXPECT_EQ(commands("orders"), "3");
}

TEST_F(PostgresCoalescing, IsSwitchedOffByConfiguration) {
  auto off = options();
  off.coalesce_inserts = false;
  const auto other = connect(off);
  const auto tx = other->begin();
  run_events(*tx, 3, [&](Transaction& t, int n) { t.execute(insert(), n); });
  tx->commit();
  EXPECT_EQ(commands("orders"), "3");
}

TEST_F(PostgresCoalescing, IsSwitchedOffByAComment) {
  insert_ten("INSERT INTO {kinbox}.orders (id) VALUES ($1) /* apart */");
  EXPECT_EQ(commands("orders"), "10");
}

struct Apart {
  const char* name;
  const char* table;
  const char* insert;
};
class PostgresKeepsApart : public PostgresCoalescing,
                           public ::testing::WithParamInterface<Apart> {};

// Each would see a difference between one statement and ten.
TEST_P(PostgresKeepsApart, WhatWouldSeeADifference) {
  admin(GetParam().table);
  insert_ten(GetParam().insert);
  EXPECT_EQ(admin("SELECT count(*) FROM {kinbox}.t"), "10");
  EXPECT_EQ(commands("t"), "10");
}

INSTANTIATE_TEST_SUITE_P(
    All, PostgresKeepsApart,
    ::testing::Values(
        Apart{"Trigger",
              "CREATE TABLE {kinbox}.t (id bigint);"
              "CREATE FUNCTION {kinbox}.f() RETURNS trigger LANGUAGE plpgsql AS "
              "$$ BEGIN RETURN NEW; END $$;"
              "CREATE TRIGGER t BEFORE INSERT ON {kinbox}.t FOR EACH STATEMENT "
              "EXECUTE FUNCTION {kinbox}.f()",
              "INSERT INTO {kinbox}.t (id) VALUES ($1)"},
        Apart{
            "SelfReference",
            "CREATE TABLE {kinbox}.t (id bigint PRIMARY KEY, parent bigint REFERENCES {kinbox}.t)",
            "INSERT INTO {kinbox}.t (id) VALUES ($1)"},
        Apart{"Rule",
              "CREATE TABLE {kinbox}.t (id bigint); CREATE RULE r AS ON INSERT TO {kinbox}.t "
              "DO ALSO NOTIFY somebody",
              "INSERT INTO {kinbox}.t (id) VALUES ($1)"},
        Apart{"RowSecurity",
              "CREATE TABLE {kinbox}.t (id bigint); ALTER TABLE {kinbox}.t ENABLE ROW LEVEL "
              "SECURITY",
              "INSERT INTO {kinbox}.t (id) VALUES ($1)"},
        Apart{"Partitions",
              "CREATE TABLE {kinbox}.t (id bigint) PARTITION BY RANGE (id);"
              "CREATE TABLE {kinbox}.t1 PARTITION OF {kinbox}.t DEFAULT",
              "INSERT INTO {kinbox}.t (id) VALUES ($1)"},
        Apart{"Returning", "CREATE TABLE {kinbox}.t (id bigint)",
              "INSERT INTO {kinbox}.t (id) VALUES ($1) RETURNING id"}),
    [](const auto& one) { return std::string(one.param.name); });

TEST_F(PostgresCoalescing, AnArrayColumnAndBytesForTextGoAlone) {
  admin("CREATE TABLE {kinbox}.t (many integer[], raw text)");
  const auto tx = database().begin();
  run_events(*tx, 3, [&](Transaction& t, int) {
    t.execute(sql("INSERT INTO {kinbox}.t (many) VALUES ($1)"), "{1,2}");
    t.execute(sql("INSERT INTO {kinbox}.t (raw) VALUES ($1)"), as_bytes("plain"));
  });
  tx->commit();
  EXPECT_EQ(admin("SELECT count(*) FROM {kinbox}.t WHERE many = '{1,2}' OR raw = 'plain'"), "6");
}

/// The same random batches through two connections, one of which combines nothing.
class PostgresCoalescingProperty : public PostgresCoalescing {
 protected:
  static constexpr const char* kTables =
      "CREATE TYPE {kinbox}.mood AS ENUM ('glad', 'sad, \"very\"');"
      "CREATE DOMAIN {kinbox}.amount AS numeric CHECK (VALUE < 1000);"
      "CREATE TABLE {kinbox}.a_SIDE (k bigint PRIMARY KEY, note text DEFAULT 'none', "
      "serial bigint GENERATED ALWAYS AS IDENTITY, code char(4), raw bytea, mood {kinbox}.mood);"
      "CREATE TABLE {kinbox}.b_SIDE (k bigint REFERENCES {kinbox}.a_SIDE, paid {kinbox}.amount, "
      "flag boolean NOT NULL, at timestamptz, doc jsonb, ratio double precision, "
      "UNIQUE (k, flag));";

  void SetUp() override {
    PostgresCoalescing::SetUp();
    if (IsSkipped() || HasFatalFailure()) return;
    auto off = options();
    off.coalesce_inserts = false;
    one_by_one_ = connect(off);
    std::string tables = kTables;
    admin(sided(tables.substr(0, tables.find("CREATE TABLE")), ""));
    for (const auto* side : {"combined", "alone"})
      admin(sided(tables.substr(tables.find("CREATE TABLE")), side));
  }

  static std::string sided(std::string text, const std::string& side) {
    for (auto at = text.find("SIDE"); at != std::string::npos; at = text.find("SIDE"))
      text.replace(at, 4, side);
    return text;
  }

  std::string text_value(std::mt19937& random) {
    static const std::vector<std::string> kTexts{
        "",          "plain",      "NULL",        "null",   "{}",
        "a,b",       "\"quoted\"", "back\\slash", "\\x41",  "line\nbreak",
        "ünïcode ✓", "'single'",   "(1,2)",       " space "};
    return kTexts[random() % kTexts.size()];
  }

  void event(Transaction& tx, const std::string& side, unsigned seed, bool may_fail) {
    std::mt19937 random(seed);
    const auto at = [&](const char* text) { return sql(sided(text, side)); };
    const auto k = static_cast<std::int64_t>(random() % 300);
    const auto note = text_value(random);
    const auto raw = as_bytes(note);
    const std::optional<std::string> mood =
        random() % 3 == 0
            ? std::nullopt
            : std::optional<std::string>(random() % 2 == 0 ? "glad" : "sad, \"very\"");
    const auto* lenient =
        "INSERT INTO {kinbox}.a_SIDE (k, note, code, raw, mood) VALUES ($1, $2, $3, $4, $5) "
        "ON CONFLICT (k) DO NOTHING";
    const auto* strict = "INSERT INTO {kinbox}.a_SIDE (note, k) VALUES ($2, $1)";
    if (may_fail && random() % 40 == 0)
      tx.execute(at(strict), k, note);
    else
      tx.execute(at(lenient), k, note, note.substr(0, 2), raw, mood);
    tx.execute(at("INSERT INTO {kinbox}.b_SIDE (k, flag, paid, at, doc, ratio) "
                  "VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING"),
               k, random() % 2 == 0, std::to_string(random() % (may_fail ? 1'004 : 999)) + ".50",
               "2026-01-02 03:04:05+00", R"({"note": "a \"b\" \\ c"})",
               static_cast<double>(random() % 7) / 3.0);
    if (random() % 25 == 0) tx.query(at("SELECT count(*) FROM {kinbox}.a_SIDE"));
    if (random() % 30 == 0)
      tx.execute(at("UPDATE {kinbox}.a_SIDE SET note = note || '!' WHERE k = $1"), k);
  }

  /// Whether it committed.
  bool run_batch(Database& database, const std::string& side, unsigned seed, bool may_fail) {
    const auto tx = database.begin();
    try {
      run_events(*tx, 60, [&](Transaction& t, int n) {
        event(t, side, seed * 1'000 + static_cast<unsigned>(n), may_fail);
      });
      tx->commit();
      return true;
    } catch (const SqlError&) {
      return false;
    }
  }

  std::string content(const std::string& side) {
    return admin(
        sided("SELECT string_agg(t::text, ';' ORDER BY t::text) FROM (SELECT k, note, "
              "code, raw, mood::text, NULL::text FROM {kinbox}.a_SIDE UNION ALL SELECT k, "
              "paid::text, flag::text, NULL, at::text, doc::text || ratio FROM "
              "{kinbox}.b_SIDE) AS t",
              side));
  }

  std::unique_ptr<Database> one_by_one_;
};

TEST_F(PostgresCoalescingProperty, RowsDefaultsAndConflictsAreTheSame) {
  for (unsigned seed = 0; seed < 20; ++seed) {
    ASSERT_TRUE(run_batch(database(), "combined", seed, false)) << "seed " << seed;
    ASSERT_TRUE(run_batch(*one_by_one_, "alone", seed, false)) << "seed " << seed;
    ASSERT_EQ(content("combined"), content("alone")) << "seed " << seed;
  }
  // Identity values are drawn in the same order.
  EXPECT_EQ(admin("SELECT count(*) FROM {kinbox}.a_combined AS x JOIN {kinbox}.a_alone AS y "
                  "ON x.k = y.k AND x.serial IS DISTINCT FROM y.serial"),
            "0");
}

TEST_F(PostgresCoalescingProperty, WhatFailsOneByOneFailsTogether) {
  int failures = 0;
  for (unsigned seed = 100; seed < 130; ++seed) {
    const bool alone = run_batch(*one_by_one_, "alone", seed, true);
    ASSERT_EQ(run_batch(database(), "combined", seed, true), alone) << "seed " << seed;
    ASSERT_EQ(content("combined"), content("alone")) << "seed " << seed;
    failures += alone ? 0 : 1;
  }
  EXPECT_GT(failures, 0);
  EXPECT_LT(failures, 30);
}

}  // namespace
}  // namespace kinbox::testing
