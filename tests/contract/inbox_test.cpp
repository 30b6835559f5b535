#include "kinbox/inbox.hpp"

#include <gmock/gmock.h>

#include <barrier>
#include <future>
#include <thread>

#include "kinbox/errors.hpp"
#include "support/eventually.hpp"
#include "support/test_database.hpp"

namespace kinbox::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

Inbox::Claim event(std::string_view id, Verdict verdict = Verdict::kApplied) {
  return {.event_id = id,
          .event_type = "OrderCreated",
          .topic = "orders",
          .partition = 3,
          .offset = 4211,
          .verdict = verdict,
          .fingerprint = Fingerprint::of(as_bytes(id))};
}

std::vector<Inbox::Claim> events(const std::vector<std::string>& ids) {
  std::vector<Inbox::Claim> claims;
  for (const auto& id : ids) claims.push_back(event(id));
  return claims;
}

class InboxContract : public DatabaseContract {
 protected:
  void prepare() override {
    DatabaseContract::prepare();
    inbox_.emplace("email", database().dialect());
  }

  std::vector<bool> claim(OpenTransaction& tx, const std::vector<std::string>& ids) {
    return inbox_->claim(tx, events(ids));
  }
  void record(std::string_view id, Verdict verdict) {
    const auto tx = database().begin();
    inbox_->claim(*tx, std::vector{event(id, verdict)});
    tx->commit();
  }
  bool reclaim(OpenTransaction& tx, std::string_view id, Verdict from) {
    return inbox_->change(tx, std::vector<Inbox::Change>{{id, from, Verdict::kApplied}})[0];
  }
  std::string verdict_of(std::string_view id) {
    const auto tx = database().begin();
    const auto entry = inbox_->find(*tx, std::vector{id})[0];
    return entry ? std::string(to_text(entry->verdict)) : "none";
  }

  std::optional<Inbox> inbox_;
};

TEST_P(InboxContract, AnEventIsNewOnce) {
  auto tx = database().begin();
  EXPECT_THAT(claim(*tx, {"a"}), ElementsAre(true));
  EXPECT_THAT(claim(*tx, {"a"}), ElementsAre(false));
  tx->commit();
  tx = database().begin();
  EXPECT_THAT(claim(*tx, {"a"}), ElementsAre(false));
}

TEST_P(InboxContract, ARolledBackClaimIsForgotten) {
  claim(*database().begin(), {"a"});
  EXPECT_THAT(claim(*database().begin(), {"a"}), ElementsAre(true));
}

TEST_P(InboxContract, OfClaimsWithOneIdTheFirstIsNew) {
  const auto tx = database().begin();
  EXPECT_THAT(claim(*tx, {"b", "a", "b", "a", "a"}), ElementsAre(true, true, false, false, false));
}

TEST_P(InboxContract, AnswersComeInTheGivenOrder) {
  record("m", Verdict::kApplied);
  const auto tx = database().begin();
  EXPECT_THAT(claim(*tx, {"z", "m", "a"}), ElementsAre(true, false, true));
}

// Where rows lie tells in which order they were made. Two workers that meet on ids must take them
// in one order, or each waits for the other.
TEST_P(InboxContract, ClaimsAreMadeInOrderOfTheirIdsBytes) {
  const auto tx = database().begin();
  claim(*tx, {"b", "\xC3\xA9", "a", "B", "aa"});
  std::vector<std::string> made;
  for (const auto row : tx->query(
           database().dialect().render("SELECT event_id FROM {kinbox}.processed_events ORDER BY ") +
           (is_sqlite() ? "rowid" : "ctid")))
    made.push_back(row.get<std::string>(0));
  EXPECT_THAT(made, ElementsAre("B", "a", "aa", "b", "\xC3\xA9"));
}

TEST_P(InboxContract, ClaimingNothingIsFine) {
  const auto tx = database().begin();
  EXPECT_TRUE(claim(*tx, {}).empty());
  EXPECT_TRUE(inbox_->find(*tx, {}).empty());
}

TEST_P(InboxContract, ConsumersDecideForThemselves) {
  const Inbox stock("stock", database().dialect());
  const auto tx = database().begin();
  claim(*tx, {"a"});
  EXPECT_THAT(stock.claim(*tx, events({"a"})), ElementsAre(true));
}

TEST_P(InboxContract, AClaimKeepsWhereTheEventWasAndWhatItLookedLike) {
  record("a", Verdict::kSkipped);
  const auto tx = database().begin();
  const auto rows = tx->query(database().dialect().render(
      "SELECT topic, partition, record_offset, event_type, verdict FROM "
      "{kinbox}.processed_events WHERE consumer = 'email' AND event_id = 'a'"));
  const auto row = rows[0];
  EXPECT_EQ(row.get<std::string>("topic"), "orders");
  EXPECT_EQ(row.get<std::int64_t>("partition"), 3);
  EXPECT_EQ(row.get<std::int64_t>("record_offset"), 4211);
  EXPECT_EQ(row.get<std::string>("event_type"), "OrderCreated");
  EXPECT_EQ(row.get<std::string>("verdict"), "skipped");
}

TEST_P(InboxContract, ClaimsThatDifferKeepEachItsOwn) {
  auto b = event("b", Verdict::kDead);
  b.topic = "payments";
  b.event_type = "PaymentMade";
  const auto tx = database().begin();
  inbox_->claim(*tx, std::vector{event("a"), b});
  inbox_->claim(*tx, std::vector{event("c"), event("d")});
  std::vector<std::string> stored;
  for (const auto row : tx->query(database().dialect().render(
           "SELECT consumer || ' ' || event_id || ' ' || topic || ' ' || event_type || ' ' || "
           "verdict FROM {kinbox}.processed_events ORDER BY event_id")))
    stored.push_back(row.get<std::string>(0));
  EXPECT_THAT(
      stored,
      ElementsAre("email a orders OrderCreated applied", "email b payments PaymentMade dead",
                  "email c orders OrderCreated applied", "email d orders OrderCreated applied"));
}

TEST_P(InboxContract, FindTellsVerdictAndFingerprintInTheGivenOrder) {
  record("dead", Verdict::kDead);
  record("fine", Verdict::kApplied);
  const auto tx = database().begin();
  const std::vector<std::string_view> ids{"none", "fine", "dead", "fine"};
  const auto entries = inbox_->find(*tx, ids);
  ASSERT_EQ(entries.size(), 4u);
  EXPECT_FALSE(entries[0]);
  EXPECT_EQ(entries[1]->verdict, Verdict::kApplied);
  EXPECT_EQ(entries[2]->verdict, Verdict::kDead);
  EXPECT_EQ(entries[3]->verdict, Verdict::kApplied);
  const auto fingerprint = event("dead").fingerprint;
  const auto bytes = fingerprint.bytes();
  EXPECT_EQ(entries[2]->fingerprint, ByteVector(bytes.begin(), bytes.end()));
}

TEST_P(InboxContract, AViolationIsNoDuplicate) {
  const auto tx = database().begin();
  EXPECT_THROW(claim(*tx, {""}), SqlError);
  EXPECT_THROW(tx->commit(), SqlError);
}

TEST_P(InboxContract, ChangesAreAnsweredInTheirOrder) {
  for (const auto* const id : {"a", "b", "c"}) record(id, Verdict::kParked);
  record("dead", Verdict::kDead);
  const auto tx = database().begin();
  const std::vector<Inbox::Change> changes{{"c", Verdict::kParked, Verdict::kApplied},
                                           {"unknown", Verdict::kParked, Verdict::kApplied},
                                           {"a", Verdict::kParked, Verdict::kDead},
                                           {"dead", Verdict::kDead, Verdict::kParked},
                                           {"b", Verdict::kDead, Verdict::kApplied}};
  EXPECT_THAT(inbox_->change(*tx, changes), ElementsAre(true, false, true, true, false));
  EXPECT_THAT(inbox_->change(*tx, {}), IsEmpty());
  tx->commit();
  EXPECT_EQ(verdict_of("a"), "dead");
  EXPECT_EQ(verdict_of("b"), "parked");
  EXPECT_EQ(verdict_of("c"), "applied");
  EXPECT_EQ(verdict_of("dead"), "parked");
}

TEST_P(InboxContract, ADeadOrParkedEventIsReclaimedOnce) {
  for (const auto from : {Verdict::kDead, Verdict::kParked}) {
    const std::string id(to_text(from));
    record(id, from);
    const auto tx = database().begin();
    EXPECT_TRUE(reclaim(*tx, id, from));
    EXPECT_FALSE(reclaim(*tx, id, from));
    tx->commit();
    EXPECT_EQ(verdict_of(id), "applied");
  }
}

TEST_P(InboxContract, ReclaimWantsTheRightVerdict) {
  record("dead", Verdict::kDead);
  record("fine", Verdict::kApplied);
  const auto tx = database().begin();
  EXPECT_FALSE(reclaim(*tx, "dead", Verdict::kParked));
  EXPECT_FALSE(reclaim(*tx, "fine", Verdict::kDead));
  EXPECT_FALSE(reclaim(*tx, "unknown", Verdict::kDead));
  tx->commit();
  EXPECT_EQ(verdict_of("dead"), "dead");
}

TEST_P(InboxContract, ARolledBackReclaimIsForgotten) {
  record("dead", Verdict::kDead);
  reclaim(*database().begin(), "dead", Verdict::kDead);
  EXPECT_EQ(verdict_of("dead"), "dead");
}

TEST_P(InboxContract, AReplayGenerationRunsAnAppliedEventOnce) {
  record("fine", Verdict::kApplied);
  record("dead", Verdict::kDead);
  const auto tx = database().begin();
  EXPECT_TRUE(inbox_->claim_generation(*tx, "fine", 2));
  EXPECT_FALSE(inbox_->claim_generation(*tx, "fine", 2));
  EXPECT_FALSE(inbox_->claim_generation(*tx, "fine", 1));
  EXPECT_TRUE(inbox_->claim_generation(*tx, "fine", 3));
  EXPECT_FALSE(inbox_->claim_generation(*tx, "dead", 2));
  EXPECT_FALSE(inbox_->claim_generation(*tx, "unknown", 2));
}

TEST_P(InboxContract, ASecondClaimWaitsAndSeesTheCommittedFirst) {
  const auto tx = database().begin();
  claim(*tx, {"a"});
  auto second = std::async(std::launch::async, [&] {
    const auto other = connect();
    return claim(*other->begin(), {"a"});
  });
  ASSERT_TRUE(eventually([&] { return home().waiting() == 1; }));
  tx->commit();
  EXPECT_THAT(second.get(), ElementsAre(false));
}

TEST_P(InboxContract, ASecondClaimWaitsAndTakesWhatTheFirstGaveUp) {
  const auto tx = database().begin();
  claim(*tx, {"a"});
  auto second = std::async(std::launch::async, [&] {
    const auto other = connect();
    return claim(*other->begin(), {"a"});
  });
  ASSERT_TRUE(eventually([&] { return home().waiting() == 1; }));
  tx->rollback();
  EXPECT_THAT(second.get(), ElementsAre(true));
}

TEST_P(InboxContract, WorkersThatMeetOnManyIdsDoNotDeadlock) {
  const std::vector<std::string> there{"a", "b", "c", "d", "e", "f", "g", "h"};
  const std::vector<std::string> back(there.rbegin(), there.rend());
  std::barrier start(2);
  const auto work = [&](const std::vector<std::string>& ids) {
    const auto own = connect();
    for (int round = 0; round < 50; ++round) {
      start.arrive_and_wait();
      EXPECT_NO_THROW(claim(*own->begin(), ids));
    }
  };
  std::thread other([&] { work(back); });
  work(there);
  other.join();
}

}  // namespace

KINBOX_FOR_ALL_DATABASES(InboxContract);

}  // namespace kinbox::testing
