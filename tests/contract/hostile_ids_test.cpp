#include <gmock/gmock.h>

#include <random>
#include <set>

#include "kinbox/errors.hpp"
#include "kinbox/inbox.hpp"
#include "kinbox/reason.hpp"
#include "support/decoding.hpp"
#include "support/test_database.hpp"

namespace kinbox::testing {
namespace {

/// Different ids, all of them: no trimming, folding, normalising, no number that is another one.
std::vector<std::string> acceptable_ids() {
  using namespace std::string_literals;
  return {"1", "01", "1.0", "+1", "1e0", "0x1", "-0", "0", "true", "t", "null", "NULL", "\"NULL\"",
          "a", "A", "a ", " a", "a\t", "\ta", "\r\n", "\n",
          // One letter, composed and not; what case folding, trimming or normalising would join.
          "caf\xc3\xa9", "cafe\xcc\x81", "CAF\xc3\x89", "\xc3\x9f", "ss", "\xc4\xb1", "I", "i",
          "\xc4\xb0", "\xef\xac\x81", "fi", "\xe2\x84\xab", "\xc3\x85", "\xc2\xa0", "\xe3\x80\x80",
          // Invisible, reversing, beyond the basic plane, no characters at all.
          "a\xe2\x80\x8b", "a\xe2\x80\x8d", "\xe2\x80\xae", "\xef\xbb\xbf", "\xef\xbb\xbf"s + "a",
          "\xf0\x9f\x98\x80", "\xf0\x90\x80\x80", "\xf4\x8f\xbf\xbf", "\xef\xbf\xbf",
          "\xef\xbf\xbd", "\xed\x9f\xbf", "\xee\x80\x80", "\x7f", "\x01", "\x1b[31m",
          // What SQL, array literals, patterns, placeholders and JSON could trip over.
          "'", "''", "\"", "\\", "\\\\", "\\x31", "\\000", "{", "}", "{}", "{a,b}", ",", "a,b", "%",
          "_", "$1", "?", "; DROP TABLE processed_events; --", "/*", "--", "E'\\n'", "\\N", "\\.",
          std::string(512, 'x'), std::string(511, 'x') + "y",
          // 512 bytes, 256 characters.
          [] {
            std::string two_bytes_each;
            for (int i = 0; i < 256; ++i) two_bytes_each += "\xc3\xa9";
            return two_bytes_each;
          }()};
}

std::vector<std::string> unacceptable_ids() {
  using namespace std::string_literals;
  return {"",
          "\0"s,
          "a\0b"s,
          "a\0"s,
          std::string(513, 'x'),
          std::string(511, 'x') + "\xc3\xa9",
          "\xff",
          "\x80",
          "a\xc3",
          "\xc0\xaf",
          "\xe0\x80\xaf",
          "\xed\xa0\x80",
          "\xed\xbf\xbf",
          "\xf4\x90\x80\x80",
          "\xf8\x88\x80\x80\x80",
          "\xc3\x28"};
}

Inbox::Claim claim_of(const std::string& id) {
  return {.event_id = id,
          .event_type = "t",
          .topic = "orders",
          .partition = 0,
          .offset = 0,
          .verdict = Verdict::kApplied,
          .fingerprint = Fingerprint::of(std::nullopt)};
}

std::vector<bool> claim_all(OpenTransaction& tx, const std::vector<std::string>& ids) {
  std::vector<Inbox::Claim> claims;
  for (const auto& id : ids) claims.push_back(claim_of(id));
  return Inbox("email", tx.dialect()).claim(tx, claims);
}

DecodedRecord decode_id(const std::string& id) {
  return {rules_with_id({id_from_header("id")}, IdScope::kGlobal),
          order_record("{}", {{"id", id}})};
}

TEST(HostileIds, TheDecoderTakesEveryAcceptableIdAsItIs) {
  for (const auto& id : acceptable_ids()) {
    const auto decoded = decode_id(id);
    ASSERT_EQ(decoded.reason(), "") << ::testing::PrintToString(id);
    EXPECT_EQ(decoded.event().id(), id);
  }
}

TEST(HostileIds, TheDecoderRejectsTheOthersBeforeSql) {
  for (const auto& id : unacceptable_ids()) {
    const auto decoded = decode_id(id);
    // An empty header is an id that is there, and invalid.
    EXPECT_EQ(decoded.reason(), reason::kInvalidEventId) << ::testing::PrintToString(id);
  }
}

class HostileIdsContract : public DatabaseContract {};

TEST_P(HostileIdsContract, EveryIdIsAnEventOfItsOwn) {
  const auto ids = acceptable_ids();
  auto tx = database().begin();
  EXPECT_EQ(claim_all(*tx, ids), std::vector<bool>(ids.size(), true));
  tx->commit();
  EXPECT_EQ(number("SELECT count(*) FROM {kinbox}.processed_events"),
            static_cast<std::int64_t>(ids.size()));
  tx = database().begin();
  EXPECT_EQ(claim_all(*tx, ids), std::vector<bool>(ids.size(), false));
}

TEST_P(HostileIdsContract, EveryIdIsItselfWhenClaimedAlone) {
  const auto tx = database().begin();
  for (const auto& id : acceptable_ids()) {
    EXPECT_EQ(claim_all(*tx, {id}), std::vector<bool>{true}) << ::testing::PrintToString(id);
    EXPECT_EQ(claim_all(*tx, {id}), std::vector<bool>{false}) << ::testing::PrintToString(id);
  }
}

TEST_P(HostileIdsContract, EveryIdIsFoundAndComesBackByteForByte) {
  const auto ids = acceptable_ids();
  const auto tx = database().begin();
  claim_all(*tx, ids);
  const std::vector<std::string_view> wanted(ids.begin(), ids.end());
  for (const auto& entry : Inbox("email", tx->dialect()).find(*tx, wanted)) EXPECT_TRUE(entry);
  std::set<std::string> stored;
  for (const auto row :
       tx->query(tx->dialect().render("SELECT event_id FROM {kinbox}.processed_events")))
    stored.insert(row.get<std::string>(0));
  EXPECT_EQ(stored, std::set<std::string>(ids.begin(), ids.end()));
}

TEST_P(HostileIdsContract, WhatSlippedPastTheDecoderIsAnErrorAndNoDuplicate) {
  for (const auto& id : unacceptable_ids()) {
    const auto tx = database().begin();
    EXPECT_THROW(claim_all(*tx, {id}), SqlError) << ::testing::PrintToString(id);
    EXPECT_THROW(tx->commit(), SqlError);
  }
  EXPECT_EQ(number("SELECT count(*) FROM {kinbox}.processed_events"), 0);
}

/// Ids of a few pieces each, so that many are near others and some repeat.
std::string random_id(std::mt19937& random) {
  static const auto pieces = acceptable_ids();
  std::string id;
  const auto length = 1 + random() % 2;
  for (std::size_t i = 0; i < length; ++i) id += pieces[random() % pieces.size()];
  return id;
}

/// What the claims of one sequence answer on one database; nullopt where a claim was an error.
using Answers = std::vector<std::optional<std::vector<bool>>>;
using Sequence = std::vector<std::vector<std::string>>;

Sequence random_sequence(std::mt19937& random) {
  Sequence sequence(40);
  for (auto& ids : sequence)
    for (auto left = 1 + random() % 30; left > 0; --left) ids.push_back(random_id(random));
  return sequence;
}

Answers answers_of(Database& database, const Sequence& sequence) {
  Answers answers;
  for (const auto& ids : sequence) {
    const auto tx = database.begin();
    try {
      answers.push_back(claim_all(*tx, ids));
      tx->commit();
    } catch (const SqlError&) {
      answers.push_back(std::nullopt);
    }
  }
  return answers;
}

/// The rule itself: an id is its bytes.
Answers answers_of_the_rule(const Sequence& sequence) {
  Answers answers;
  std::set<std::string> known;
  for (const auto& ids : sequence) {
    const bool too_long =
        std::any_of(ids.begin(), ids.end(), [](const std::string& id) { return id.size() > 512; });
    if (too_long) {
      answers.push_back(std::nullopt);
      continue;
    }
    std::vector<bool> fresh;
    for (const auto& id : ids) fresh.push_back(known.insert(id).second);
    answers.push_back(fresh);
  }
  return answers;
}

TEST_P(HostileIdsContract, RandomClaimsAreAnsweredByTheRuleSoAllDatabasesAgree) {
  std::mt19937 random(20240229);
  const auto sequence = random_sequence(random);
  const auto expected = answers_of_the_rule(sequence);
  ASSERT_NE(std::count(expected.begin(), expected.end(), std::nullopt), 0);
  EXPECT_EQ(answers_of(database(), sequence), expected);
}

KINBOX_FOR_ALL_DATABASES(HostileIdsContract);

}  // namespace
}  // namespace kinbox::testing
