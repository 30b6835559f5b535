#include "core/inbox_reader.hpp"

#include <gmock/gmock.h>

#include <algorithm>
#include <deque>
#include <numeric>
#include <random>

#include "support/test_database.hpp"

namespace kinbox::testing {
namespace {

using ::testing::AllOf;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::Ge;
using ::testing::Gt;
using ::testing::Lt;
using ::testing::Optional;

using Fingerprints = InboxReader::Fingerprints;
using Verdicts = std::vector<std::optional<Verdict>>;

class InboxReaderContract : public DatabaseContract {
 protected:
  static constexpr int kRows = 2'000;
  /// A dozen stretches of the rows below, in either database.
  static constexpr InboxReader::Bounds kSmall{
      .blocks_in_stretch = 4, .rows_in_stretch = 400, .rows_kept = 500, .sample = 16};

  void prepare() override {
    DatabaseContract::prepare();
    reader_.emplace("mine", database().dialect(), Fingerprints::kWith, kSmall);
    Inbox mine("mine", database().dialect());
    Inbox other("other", database().dialect());
    for (int first = 0; first < kRows; first += 100) {
      std::vector<Inbox::Claim> claims;
      for (int number = first; number < first + 100; ++number)
        claims.push_back({.event_id = ids_.emplace_back(id(number)),
                          .event_type = "OrderCreated",
                          .topic = "orders",
                          .partition = 0,
                          .offset = number,
                          .verdict = verdict(number),
                          .fingerprint = Fingerprint::of(as_bytes(ids_.back()))});
      const auto tx = database().begin();
      mine.claim(*tx, claims);
      for (auto& claim : claims) claim.verdict = Verdict::kDead;
      other.claim(*tx, claims);
      tx->commit();
    }
  }

  static std::string id(int number) { return "event-" + std::to_string(number * 7919 % kRows); }
  static Verdict verdict(int number) {
    if (number % 7 == 0) return Verdict::kDead;
    return number % 3 == 0 ? Verdict::kSkipped : Verdict::kApplied;
  }

  Verdicts verdicts_of(const std::vector<std::string_view>& wanted) {
    const auto tx = database().begin();
    const auto entries = reader_->find(*tx, wanted, reader_->recall(wanted));
    Verdicts verdicts;
    for (std::size_t i = 0; i < entries.size(); ++i) {
      const auto& entry = entries[i];
      verdicts.push_back(entry ? std::optional(entry->verdict) : std::nullopt);
      if (entry && !entry->fingerprint.empty()) {
        const auto expected = Fingerprint::of(as_bytes(wanted[i]));
        EXPECT_TRUE(std::ranges::equal(entry->fingerprint, expected.bytes())) << wanted[i];
        ++fingerprints_;
      }
    }
    return verdicts;
  }

  Verdicts find(int first, int count) {
    std::vector<std::string_view> wanted;
    for (int number = first; number < first + count; ++number) wanted.push_back(ids_[number]);
    return verdicts_of(wanted);
  }
  Verdicts expected(int first, int count) const {
    Verdicts verdicts;
    for (int number = first; number < first + count; ++number) verdicts.push_back(verdict(number));
    return verdicts;
  }
  void forget(int first, int count) {
    const auto tx = database().begin();
    for (int number = first; number < first + count; ++number)
      tx->execute(sql("DELETE FROM {kinbox}.processed_events WHERE event_id = $1"), ids_[number]);
    tx->commit();
  }
  std::string sql(std::string_view text) { return database().dialect().render(text); }

  /// In order of arrival. A deque: claims point to them.
  std::deque<std::string> ids_;
  std::optional<InboxReader> reader_;
  std::size_t fingerprints_ = 0;
};
KINBOX_FOR_ALL_DATABASES(InboxReaderContract);

TEST_P(InboxReaderContract, TellsWhatIsRecordedInAnyOrder) {
  for (int first = 0; first < kRows; first += 50) EXPECT_EQ(find(first, 50), expected(first, 50));
  EXPECT_THAT(reader_->loaded(), Ge(kRows / 2));
  EXPECT_EQ(fingerprints_, std::size_t{kRows});

  std::mt19937 random{1};
  std::vector<int> numbers(kRows);
  std::iota(numbers.begin(), numbers.end(), 0);
  std::shuffle(numbers.begin(), numbers.end(), random);
  for (int first = 0; first < kRows; first += 50) {
    std::vector<std::string_view> wanted{"nobody's"};
    Verdicts verdicts{std::nullopt};
    for (int i = first; i < first + 50; ++i) {
      wanted.push_back(ids_[static_cast<std::size_t>(numbers[i])]);
      verdicts.emplace_back(verdict(numbers[i]));
    }
    EXPECT_EQ(verdicts_of(wanted), verdicts);
  }
}

TEST_P(InboxReaderContract, NeighboursOfWhatWasAskedForAreThereAlready) {
  find(0, 20);
  const std::vector<std::string_view> next{ids_[22]};
  forget(20, 20);
  EXPECT_THAT(verdicts_of(next), ElementsAre(Optional(verdict(22)))) << "it came with the others";
  reader_->forget();
  EXPECT_THAT(verdicts_of(next), ElementsAre(std::nullopt));
}

TEST_P(InboxReaderContract, WhatMayChangeIsAskedForEachTime) {
  find(0, 20);
  ASSERT_EQ(verdict(21), Verdict::kDead);
  const auto tx = database().begin();
  tx->execute(sql("UPDATE {kinbox}.processed_events SET verdict = 'applied' WHERE event_id = $1"),
              ids_[21]);
  tx->commit();
  EXPECT_THAT(verdicts_of({ids_[21]}), ElementsAre(Optional(Verdict::kApplied)));
}

TEST_P(InboxReaderContract, FingerprintsMayBeLeftOut) {
  reader_.emplace("mine", database().dialect(), Fingerprints::kWithout, kSmall);
  for (int first = 0; first < 200; first += 50) EXPECT_EQ(find(first, 50), expected(first, 50));
  EXPECT_EQ(fingerprints_, 0U);
}

TEST_P(InboxReaderContract, WhatStandsElsewhereIsAskedFor) {
  find(0, 20);
  const auto tx = database().begin();
  const Inbox::Claim late{.event_id = "late",
                          .event_type = "OrderCreated",
                          .topic = "orders",
                          .partition = 0,
                          .offset = kRows,
                          .verdict = Verdict::kParked,
                          .fingerprint = Fingerprint::of(as_bytes("late"))};
  Inbox("mine", database().dialect()).claim(*tx, {&late, 1});
  tx->commit();
  EXPECT_THAT(verdicts_of({"late"}), ElementsAre(Optional(Verdict::kParked)));
}

TEST_P(InboxReaderContract, FewIdsAreNotWorthAStretch) {
  EXPECT_EQ(find(0, 15), expected(0, 15));
  EXPECT_EQ(reader_->loaded(), 0);
}

TEST_P(InboxReaderContract, NoStretchIsReadFromAServerThatHasToReadTheWholeTable) {
  auto bounds = kSmall;
  bounds.oldest_server = 9'990'000;
  reader_.emplace("mine", database().dialect(), Fingerprints::kWith, bounds);
  for (int first = 0; first < 200; first += 50) EXPECT_EQ(find(first, 50), expected(first, 50));
  EXPECT_EQ(reader_->loaded() > 0, is_sqlite());
}

TEST_P(InboxReaderContract, ButTheyAreWhereTheyContinueOne) {
  find(0, 20);
  const auto first = reader_->loaded();
  ASSERT_GT(first, 0);
  for (int number = 20; number < 1'000; number += 5)
    EXPECT_EQ(find(number, 5), expected(number, 5));
  EXPECT_GT(reader_->loaded(), 2 * first);
}

TEST_P(InboxReaderContract, AnIdWithALineEndIsAskedFor) {
  const std::string id = "two\nlines";
  const auto tx = database().begin();
  tx->execute(sql("UPDATE {kinbox}.processed_events SET event_id = $1, fingerprint = $2 "
                  "WHERE consumer = 'mine' AND event_id = $3"),
              id, Fingerprint::of(as_bytes(id)).bytes(), ids_[22]);
  tx->commit();
  find(0, 20);
  EXPECT_THAT(verdicts_of({id, "two", "lines", ids_[23], ids_[24]}),
              ElementsAre(Optional(verdict(22)), std::nullopt, std::nullopt, Optional(verdict(23)),
                          Optional(verdict(24))));
}

TEST_P(InboxReaderContract, WhatLiesScatteredIsNotWorthAStretch) {
  auto bounds = kSmall;
  bounds.blocks_in_stretch = 1;
  bounds.rows_in_stretch = 50;
  reader_.emplace("mine", database().dialect(), Fingerprints::kWith, bounds);
  std::vector<std::string_view> wanted;
  for (int number = 0; number < kRows; number += kRows / 40) wanted.push_back(ids_[number]);
  EXPECT_THAT(verdicts_of(wanted), Each(Optional(::testing::_)));
  EXPECT_EQ(reader_->loaded(), 0);
}

TEST_P(InboxReaderContract, StretchesThatAreOfLittleUseAreSeldomLoaded) {
  auto bounds = kSmall;
  bounds.rows_kept = 100;
  reader_.emplace("mine", database().dialect(), Fingerprints::kWith, bounds);
  // Of each stretch a tenth, again and again.
  constexpr int kRounds = 20;
  for (int round = 0; round < kRounds; ++round)
    for (int first = 0; first + 20 < kRows; first += 400) find(first, 20);
  EXPECT_THAT(reader_->loaded(), AllOf(Gt(0), Lt(kRounds * kRows / 4)));
}

}  // namespace
}  // namespace kinbox::testing
