#include <cmath>
#include <limits>

#include "integration/postgres_fixture.hpp"

namespace kinbox::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::ThrowsMessage;

class PostgresValues : public PostgresTest {
 protected:
  /// The one field of a one-row answer.
  SqlValue field(std::string_view text) {
    const auto tx = database().begin();
    return tx->query(text)[0][0];
  }
};

ByteVector bytes(std::string_view text) {
  const auto view = as_bytes(text);
  return {view.begin(), view.end()};
}

TEST_F(PostgresValues, ColumnsArriveAsTheTypeTheyHave) {
  EXPECT_EQ(field("SELECT true"), SqlValue(true));
  EXPECT_EQ(field("SELECT false"), SqlValue(false));
  EXPECT_EQ(field("SELECT (-7)::smallint"), SqlValue(std::int64_t{-7}));
  EXPECT_EQ(field("SELECT 2147483647"), SqlValue(std::int64_t{2147483647}));
  EXPECT_EQ(field("SELECT (-9223372036854775808)::bigint"),
            SqlValue(std::numeric_limits<std::int64_t>::min()));
  EXPECT_EQ(field("SELECT 26::oid"), SqlValue(std::int64_t{26}));
  EXPECT_EQ(field("SELECT 0.1::double precision"), SqlValue(0.1));
  EXPECT_EQ(field("SELECT 0.5::real"), SqlValue(0.5));
  EXPECT_EQ(field("SELECT '-Infinity'::double precision"),
            SqlValue(-std::numeric_limits<double>::infinity()));
  EXPECT_TRUE(std::isnan(std::get<double>(field("SELECT 'NaN'::double precision"))));
  EXPECT_EQ(field("SELECT 'ä'::text"), SqlValue(std::string("ä")));
  EXPECT_EQ(field("SELECT ''::text"), SqlValue(std::string()));
  EXPECT_EQ(field("SELECT '\\x00ff'::bytea"), SqlValue(bytes({"\x00\xff", 2})));
  EXPECT_EQ(field("SELECT ''::bytea"), SqlValue(ByteVector()));
  EXPECT_EQ(field("SELECT NULL::integer"), SqlValue());
}

TEST_F(PostgresValues, WhatHasNoExactTypeArrivesAsText) {
  EXPECT_EQ(field("SELECT 12345678901234567890.10::numeric"),
            SqlValue(std::string("12345678901234567890.10")));
  EXPECT_EQ(field("SELECT '2024-02-29 12:00:00.5+02'::timestamptz"),
            SqlValue(std::string("2024-02-29 10:00:00.5+00")));
  EXPECT_EQ(field("SELECT '{\"a\": 1}'::jsonb"), SqlValue(std::string("{\"a\": 1}")));
}

TEST_F(PostgresValues, TheServersAndTheUsersSettingsDoNotChangeHowValuesRead) {
  auto odd = options();
  odd.uri +=
      "?options=-c%20TimeZone%3DAsia/Tokyo%20-c%20DateStyle%3DGerman%20-c%20"
      "bytea_output%3Descape%20-c%20extra_float_digits%3D-15%20-c%20"
      "IntervalStyle%3Dsql_standard%20-c%20standard_conforming_strings%3Doff"
      "&client_encoding=LATIN1";
  const auto other = connect(odd);
  const auto tx = other->begin();
  const auto rows = tx->query(
      "SELECT '2024-02-29 12:00+00'::timestamptz, '\\x5c00'::bytea, 0.1::float8 + 0.2::float8, "
      "'ä€', "
      "'1 day 2 hours'::interval, '\\', '\\x00'::bytea::text");
  const auto row = rows[0];
  EXPECT_EQ(row.get<std::string>(0), "2024-02-29 12:00:00+00");
  EXPECT_EQ(row.get<ByteVector>(1), bytes({"\\\0", 2}));
  EXPECT_EQ(row.get<double>(2), 0.1 + 0.2);
  EXPECT_EQ(row.get<std::string>(3), "ä€");
  EXPECT_EQ(row.get<std::string>(4), "1 day 02:00:00");
  EXPECT_EQ(row.get<std::string>(5), "\\");
  EXPECT_EQ(row.get<std::string>(6), "\\x00");
}

TEST_F(PostgresValues, ArgumentsTakeTheTypeTheStatementGivesThem) {
  admin(
      "CREATE TABLE {kinbox}.every (b boolean, i integer, n numeric, d float8, t text, j jsonb, y "
      "bytea, z text)");
  const auto tx = database().begin();
  tx->execute(sql("INSERT INTO {kinbox}.every VALUES ($1, $2, $3, $4, $5, $6, $7, $8)"), true, -42,
              "12.340", 0.1, "it's \"quoted\" \\ ä", R"({"k": [1]})", bytes({"\0\x01\xff", 3}),
              nullptr);
  const auto rows = tx->query(sql("SELECT * FROM {kinbox}.every"));
  const auto row = rows[0];
  EXPECT_EQ(row.get<bool>("b"), true);
  EXPECT_EQ(row.get<std::int64_t>("i"), -42);
  EXPECT_EQ(row.get<std::string>("n"), "12.340");
  EXPECT_EQ(row.get<double>("d"), 0.1);
  EXPECT_EQ(row.get<std::string>("t"), "it's \"quoted\" \\ ä");
  EXPECT_EQ(row.get<std::string>("j"), R"({"k": [1]})");
  EXPECT_EQ(row.get<ByteVector>("y"), bytes({"\0\x01\xff", 3}));
  EXPECT_EQ(row.get<std::optional<std::string>>("z"), std::nullopt);
}

TEST_F(PostgresValues, EmptyBytesAreNotNull) {
  const auto tx = database().begin();
  const auto rows = tx->query("SELECT $1::bytea IS NULL, $2::bytea IS NULL, $3::text IS NULL",
                              Bytes(), std::optional<Bytes>(), "");
  const auto row = rows[0];
  EXPECT_EQ(row.get<bool>(0), false);
  EXPECT_EQ(row.get<bool>(1), true);
  EXPECT_EQ(row.get<bool>(2), false);
}

TEST_F(PostgresValues, DoublesSurviveTheWayThereAndBack) {
  const auto tx = database().begin();
  constexpr auto kInfinity = std::numeric_limits<double>::infinity();
  for (const double value : {0.1, -0.0, 1e308, 5e-324, 1.0 / 3, kInfinity, -kInfinity})
    EXPECT_EQ(tx->query("SELECT $1::float8", value)[0].get<double>(0), value);
  EXPECT_TRUE(std::isnan(tx->query("SELECT $1::float8", std::nan(""))[0].get<double>(0)));
}

TEST_F(PostgresValues, ATextThatHoldsNulIsRefusedInsteadOfCut) {
  const std::string text("a\0b", 3);
  EXPECT_THAT([&] { database().begin()->query("SELECT $1::text", text); }, ThrowsSqlState("22021"));
  const std::vector<SqlParam> rows{text};
  EXPECT_THAT(
      [&] {
        database().begin()->query_bulk({"", "SELECT unnest($1::text[])"}, rows, 1);
      },
      ThrowsSqlState("22021"));
}

TEST_F(PostgresValues, SeveralStatementsInOneTextAreRefused) {
  const auto text = sql("INSERT INTO {kinbox}.orders (id) VALUES (1); COMMIT");
  EXPECT_THAT([&] { database().begin()->execute(text).affected_rows(); }, ThrowsSqlState("42601"));
  EXPECT_EQ(orders(), "0");
}

TEST_F(PostgresValues, MoreArgumentsThanTheProtocolHasRoomForAreRefused) {
  const std::vector<SqlParam> params(70'000, SqlParam(1));
  const auto tx = database().begin();
  EXPECT_THAT([&] { tx->query_with("SELECT 1", params); }, ThrowsSqlState("kinbox_send"));
}

TEST_F(PostgresValues, AffectedRowsCountWhatWasWritten) {
  const auto tx = database().begin();
  const auto inserted =
      tx->execute(sql("INSERT INTO {kinbox}.orders SELECT generate_series(1, 5)"));
  const auto updated = tx->execute(sql("UPDATE {kinbox}.orders SET note = 'x' WHERE id > 2"));
  const auto deleted = tx->execute(sql("DELETE FROM {kinbox}.orders WHERE id = 1 RETURNING id"));
  const auto selected = tx->execute(sql("SELECT * FROM {kinbox}.orders"));
  const auto created = tx->execute("CREATE TEMPORARY TABLE t ON COMMIT DROP AS SELECT 1");
  EXPECT_EQ(inserted.affected_rows(), 5);
  EXPECT_EQ(updated.affected_rows(), 3);
  EXPECT_EQ(deleted.affected_rows(), 1);
  EXPECT_EQ(selected.affected_rows(), 0);
  EXPECT_EQ(created.affected_rows(), 0);
}

TEST_F(PostgresValues, BulkRowsArriveWhole) {
  const std::vector<std::string> texts{"plain", "",         "NULL",  "null", "a,b",     "{a}",
                                       "\"q\"", "back\\sl", " pad ", "ä€😀",  "a\nb\tc", "\\x6162"};
  std::vector<SqlParam> rows;
  for (std::size_t i = 0; i < texts.size(); ++i) {
    rows.insert(rows.end(), {texts[i], as_bytes(texts[i]), static_cast<int>(i), i % 2 == 0,
                             static_cast<double>(i) / 3, nullptr});
  }
  const BulkStatement statement{
      "",
      "SELECT * FROM unnest($1::text[], $2::bytea[], $3::bigint[], $4::boolean[], $5::float8[], "
      "$6::text[]) AS r (t, y, i, b, d, z) ORDER BY i"};
  const auto tx = database().begin();
  const auto answer = tx->query_bulk(statement, rows, 6);
  ASSERT_EQ(answer.size(), texts.size());
  for (std::size_t i = 0; i < texts.size(); ++i) {
    EXPECT_EQ(answer[i].get<std::string>("t"), texts[i]);
    EXPECT_EQ(answer[i].get<ByteVector>("y"), bytes(texts[i]));
    EXPECT_EQ(answer[i].get<std::int64_t>("i"), static_cast<std::int64_t>(i));
    EXPECT_EQ(answer[i].get<bool>("b"), i % 2 == 0);
    EXPECT_EQ(answer[i].get<double>("d"), static_cast<double>(i) / 3);
    EXPECT_EQ(answer[i].get<std::optional<std::string>>("z"), std::nullopt);
  }
}

TEST_F(PostgresValues, BulkOfNoRowsAsksNothing) {
  const auto tx = database().begin();
  EXPECT_TRUE(tx->query_bulk({"", "this would fail"}, {}, 1).empty());
}

TEST_F(PostgresValues, CopyIsSentToTheNativeHandle) {
  const auto tx = database().begin();
  EXPECT_THAT([&] { tx->query("COPY (SELECT 1) TO STDOUT"); },
              ThrowsMessage<SqlError>(HasSubstr("postgres::native()")));
  tx->rollback();
  EXPECT_THAT([&] { database().begin()->query(sql("COPY {kinbox}.orders FROM STDIN")); },
              ThrowsMessage<SqlError>(HasSubstr("postgres::native()")));
  EXPECT_NO_THROW(database().begin()->flush());
}

}  // namespace
}  // namespace kinbox::testing
