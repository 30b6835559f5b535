// "Atomic" and "Once" of the promise (docs/design.md), with the scripted log on both databases.
#include <gmock/gmock.h>

#include "support/pipeline.hpp"

namespace kinbox::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class OncePromise : public Pipeline {};
KINBOX_FOR_ALL_DATABASES(OncePromise);

TEST_P(OncePromise, AnEventTakesEffectAndIsRecorded) {
  send(p0, "e-1");
  run_until_idle({p0});
  EXPECT_THAT(effects(), ElementsAre("e-1"));
  EXPECT_EQ(verdict("e-1"), "applied");
  EXPECT_EQ(position(p0), 1);
  EXPECT_EQ(log.told(p0), 1);
}

TEST_P(OncePromise, DuplicatesInOneBatchTakeEffectOnce) {
  for (const auto* id : {"e-1", "e-2", "e-1", "e-1", "e-2"}) send(p0, id);
  run_until_idle({p0});
  EXPECT_THAT(effects(), ElementsAre("e-1", "e-2"));
  EXPECT_EQ(tally(p0), (Tally{.applied = 2, .duplicates = 3}));
}

TEST_P(OncePromise, DuplicatesAcrossBatchesTakeEffectOnce) {
  options.budget.max_records = 1;
  for (const auto* id : {"e-1", "e-1", "e-1"}) send(p0, id);
  run_until_idle({p0});
  EXPECT_THAT(effects(), ElementsAre("e-1"));
  EXPECT_EQ(tally(p0), (Tally{.applied = 1, .duplicates = 2}));
}

// After a batch of known events the next one is looked up before it is claimed.
TEST_P(OncePromise, AStreamOfKnownEventsIsStillDecidedEventByEvent) {
  options.budget.max_records = 4;
  for (int pass = 0; pass < 2; ++pass)
    for (const auto* id : {"e-1", "e-2", "e-3", "e-4"}) send(p0, id);
  for (const auto* id : {"e-4", "new-1", "new-1", "e-2"}) send(p0, id);
  for (const auto* id : {"new-1", "new-2", "e-1", "new-3"}) send(p0, id);
  run_until_idle({p0});
  EXPECT_THAT(effects(), ElementsAre("e-1", "e-2", "e-3", "e-4", "new-1", "new-2", "new-3"));
  EXPECT_EQ(tally(p0), (Tally{.applied = 7, .duplicates = 9}));
}

TEST_P(OncePromise, AStreamOfKnownEventsIsNotClaimedAgain) {
  options.budget.max_records = 2;
  for (int pass = 0; pass < 3; ++pass)
    for (const auto* id : {"e-1", "e-2"}) send(p0, id);
  std::vector<int> statements_of_batches;
  int statements = 0;
  run_until_idle({p0}, [&](FaultPoint point) {
    if (point == FaultPoint::kBegin) statements = 0;
    if (point == FaultPoint::kStatement) ++statements;
    const auto steps = observer.steps();
    if (point == FaultPoint::kBeforeCommit && !steps.empty() && steps.back() == Step::kBeforeCommit)
      statements_of_batches.push_back(statements);
  });
  EXPECT_EQ(tally(p0), (Tally{.applied = 2, .duplicates = 4}));
  ASSERT_EQ(statements_of_batches.size(), 3u);
  // Open, look, close, and PostgreSQL's lock. The second batch could not know.
  EXPECT_EQ(statements_of_batches[2], is_sqlite() ? 3 : 4);
  EXPECT_GT(statements_of_batches[1], statements_of_batches[2]);
}

TEST_P(OncePromise, BatchesGrowWhileAllIsKnownAndRunNothingThen) {
  options.budget.max_records = 2;
  options.dispatch.max_batch = 2;
  for (int pass = 0; pass < 5; ++pass)
    for (const auto* id : {"e-1", "e-2", "e-3", "e-4"}) send(p0, id);
  send(p0, "new-1");
  for (const auto* id : {"e-1", "e-2", "e-3", "e-4", "new-2", "new-3", "new-4"}) send(p0, id);
  std::vector<int> handled;
  int events = 0;
  handle = [&](const Event& event, Transaction& tx) {
    ++events;
    insert_effect(event, tx);
  };
  run_until_idle({p0}, [&](FaultPoint point) {
    const auto steps = observer.steps();
    if (point == FaultPoint::kBeforeCommit && !steps.empty() && steps.back() == Step::kBeforeCommit)
      handled.push_back(std::exchange(events, 0));
  });
  EXPECT_EQ(tally(p0), (Tally{.applied = 8, .duplicates = 20}));
  // Of 2, 2, 2, 4 and 8 events; the next 8 hold a new one, so they come as 2, 2, 2, 2 and 2.
  EXPECT_THAT(handled, ElementsAre(2, 2, 0, 0, 0, 0, 1, 0, 1, 2));
}

/// So many events that what lies beside them in the inbox is read ahead.
class LongStream : public OncePromise {
 protected:
  static constexpr int kEvents = 200;

  void prepare() override {
    OncePromise::prepare();
    options.budget.max_records = options.dispatch.max_batch = kEvents / 2;
  }
  void send_all(int n = 0) {
    for (int number = 0; number < kEvents; ++number) send(p0, id(number), "k", "Created", n);
  }
  static std::string id(int number) { return "e-" + std::to_string(number); }
  /// Of each batch.
  std::vector<int> run_and_count_statements() {
    std::vector<int> of_batches;
    int statements = 0;
    run_until_idle({p0}, [&](FaultPoint point) {
      if (point == FaultPoint::kBegin) statements = 0;
      if (point == FaultPoint::kStatement) ++statements;
      const auto steps = observer.steps();
      if (point == FaultPoint::kBeforeCommit && !steps.empty() &&
          steps.back() == Step::kBeforeCommit)
        of_batches.push_back(statements);
    });
    return of_batches;
  }
};
KINBOX_FOR_ALL_DATABASES(LongStream);

TEST_P(LongStream, OfKnownEventsIsReadAhead) {
  for (int pass = 0; pass < 3; ++pass) send_all();
  const auto statements = run_and_count_statements();
  EXPECT_EQ(tally(p0), (Tally{.applied = kEvents, .duplicates = 2 * kEvents}));
  // Open, close, and PostgreSQL's lock.
  EXPECT_EQ(statements.back(), is_sqlite() ? 2 : 3);
}

TEST_P(LongStream, StillTellsTwoEventsUnderOneId) {
  for (int pass = 0; pass < 3; ++pass) send_all();
  send(p0, id(7), "k", "Created", 1);
  run_until_idle({p0});
  EXPECT_EQ(tally(p0), (Tally{.applied = kEvents, .duplicates = 2 * kEvents, .dead = 1}));
  EXPECT_THAT(dead_reasons(), ElementsAre("id_conflict"));
}

TEST_P(LongStream, ForgetsWhatItReadAheadWhenSomebodyTookRowsAway) {
  for (int pass = 0; pass < 3; ++pass) send_all();
  auto orders = member({p0});
  std::jthread loop([&] { orders.worker->run(); });
  ASSERT_TRUE(eventually([&] { return position(p0) == 3 * kEvents; }));
  change_from_outside(p0, "DELETE FROM {kinbox}.processed_events");
  send_all();
  EXPECT_TRUE(eventually([&] { return position(p0) == 4 * kEvents; }));
  orders.worker->stop();
  loop.join();
  EXPECT_EQ(tally(p0), (Tally{.applied = 2 * kEvents, .duplicates = 2 * kEvents}));
}

/// Who forgot to stop it, too: the epoch is the same again once it has taken the partition.
TEST_P(LongStream, ForgetsWhatItReadAheadWhenABackupIsRestored) {
  for (int pass = 0; pass < 3; ++pass) send_all();
  auto orders = member({p0});
  std::jthread loop([&] { orders.worker->run(); });
  ASSERT_TRUE(eventually([&] { return position(p0) == 3 * kEvents; }));
  {
    const auto tx = database().begin();
    database().run_script(
        *tx, sql("DELETE FROM {kinbox}.processed_events; DELETE FROM {kinbox}.effects;"
                 "UPDATE {kinbox}.consumer_progress SET epoch = epoch - 1, next_offset = 0, "
                 "applied = 0, duplicates = 0"));
    tx->commit();
  }
  send(p0, id(0));
  EXPECT_TRUE(eventually([&] { return position(p0) == 3 * kEvents + 1; }));
  orders.worker->stop();
  loop.join();
  EXPECT_EQ(tally(p0), (Tally{.applied = kEvents, .duplicates = 2 * kEvents + 1}));
  EXPECT_EQ(effects().size(), static_cast<std::size_t>(kEvents));
}

TEST_P(OncePromise, DuplicatesAcrossPartitionsAndTopicsTakeEffectOnce) {
  for (const auto& partition : {p0, p1, other_topic}) send(partition, "e-1");
  run_until_idle({p0, p1, other_topic});
  EXPECT_THAT(effects(), ElementsAre("e-1"));
  const auto applied = tally(p0).applied + tally(p1).applied + tally(other_topic).applied;
  EXPECT_EQ(applied, 1);
}

TEST_P(OncePromise, RestartsAndRedeliveriesTakeEffectOnce) {
  send(p0, "e-1");
  run_until_idle({p0});
  log.set_told(p0, 0);
  send(p0, "e-1");
  run_until_idle({p0});
  EXPECT_THAT(effects(), ElementsAre("e-1"));
  EXPECT_EQ(tally(p0), (Tally{.applied = 1, .duplicates = 1}));
}

TEST_P(OncePromise, AStepBackWithinAnAssignmentIsDropped) {
  send(p0, "e-1");
  send(p0, "e-2");
  auto m = member({p0});
  m.worker->run({.records = 2}, std::chrono::seconds{5});
  auto again = member({p0});
  again.source->step_back(p0, 0);
  again.worker->run({.idle = true}, std::chrono::seconds{5});
  EXPECT_THAT(effects(), ElementsAre("e-1", "e-2"));
  EXPECT_EQ(tally(p0), (Tally{.applied = 2}));
}

TEST_P(OncePromise, AHandlerThatFailsAfterWritingLeavesNothing) {
  handle = [this](const Event& event, Transaction& tx) {
    insert_effect(event, tx);
    throw PermanentError("no");
  };
  send(p0, "e-1");
  run_until_idle({p0});
  EXPECT_THAT(effects(), IsEmpty());
  EXPECT_EQ(verdict("e-1"), "dead");
}

TEST_P(OncePromise, ACommitThatFailedLeavesNothingAndIsTriedAgain) {
  int failures = 2;
  send(p0, "e-1");
  run_until_idle({p0}, [&](FaultPoint point) {
    // The transaction that takes the partition commits too: spare it.
    if (point == FaultPoint::kBeforeCommit && observer.steps().size() > 1 && failures-- > 0) {
      throw InfrastructureError("the connection broke before COMMIT");
    }
  });
  EXPECT_THAT(effects(), ElementsAre("e-1"));
  EXPECT_LT(failures, 1);
}

TEST_P(OncePromise, ACommitWhoseReplyWasLostIsNotRepeated) {
  bool lost = false;
  send(p0, "e-1");
  send(p0, "e-2");
  run_until_idle({p0}, [&](FaultPoint point) {
    if (point == FaultPoint::kAfterCommit && !observer.steps().empty() && !lost) {
      lost = true;
      throw InfrastructureError("the reply to COMMIT was lost");
    }
  });
  EXPECT_TRUE(lost);
  EXPECT_THAT(effects(), ElementsAre("e-1", "e-2"));
  EXPECT_EQ(observer.notices<notice::ClaimMissed>().size(), 1U);
  EXPECT_EQ(tally(p0), (Tally{.applied = 2}));
}

TEST_P(OncePromise, OneIdWithTwoPayloadsIsADeadLetterNotADuplicate) {
  send(p0, "e-1", "k", "Created", 1);
  send(p0, "e-1", "k", "Created", 2);
  run_until_idle({p0});
  EXPECT_THAT(effects(), ElementsAre("e-1"));
  EXPECT_THAT(dead_reasons(), ElementsAre("id_conflict"));
  EXPECT_EQ(tally(p0), (Tally{.applied = 1, .dead = 1}));
  EXPECT_EQ(verdict("e-1"), "applied");
}

TEST_P(OncePromise, OneIdWithTwoPayloadsIsReportedWhereTheRuleSaysSo) {
  options.dispatch.id_conflict = IdConflict::kReport;
  send(p0, "e-1", "k", "Created", 1);
  send(p0, "e-1", "k", "Created", 2);
  run_until_idle({p0});
  EXPECT_EQ(tally(p0), (Tally{.applied = 1, .duplicates = 1}));
  EXPECT_EQ(observer.notices<notice::IdConflictReported>().size(), 1U);
}

TEST_P(OncePromise, ADuplicateOfADeadEventNeverRuns) {
  handle = [](const Event&, Transaction&) { throw PermanentError("no"); };
  send(p0, "e-1");
  run_until_idle({p0});
  handle = [this](const Event& event, Transaction& tx) { insert_effect(event, tx); };
  send(p0, "e-1");
  run_until_idle({p0});
  EXPECT_THAT(effects(), IsEmpty());
  EXPECT_EQ(tally(p0), (Tally{.duplicates = 1, .dead = 1}));
  EXPECT_THAT(texts("SELECT seen_again FROM {kinbox}.dead_letters"), ElementsAre("1"));
  EXPECT_EQ(observer.notices<notice::SeenAgain>().size(), 1U);
}

TEST_P(OncePromise, TheHandlersOwnUniqueViolationIsNoDuplicate) {
  script(sql("CREATE UNIQUE INDEX " + std::string(is_sqlite() ? "{kinbox}.once ON effects (key)"
                                                              : "once ON {kinbox}.effects (key)")));
  send(p0, "e-1", "same");
  send(p0, "e-2", "same");
  run_until_idle({p0});
  EXPECT_THAT(effects(), ElementsAre("e-1"));
  EXPECT_THAT(dead_reasons(), ElementsAre("retries_exhausted"));
}

}  // namespace
}  // namespace kinbox::testing
