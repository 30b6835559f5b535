// docs/runbook.md, "Restoring a database backup": what came after the backup is consumed again, and
// takes effect once.
#include <SQLiteCpp/Backup.h>
#include <SQLiteCpp/SQLiteCpp.h>
#include <gmock/gmock.h>

#include "cli/inbox/recount.hpp"
#include "cli/inbox/table_checks.hpp"
#include "kinbox/errors.hpp"
#include "kinbox/outbox.hpp"
#include "support/child_process.hpp"
#include "support/pipeline.hpp"
#include "support/services.hpp"
#include "support/temporary_directory.hpp"

namespace kinbox::testing {
namespace {

using ::testing::SizeIs;

class RestoredBackup : public Pipeline {
 protected:
  void prepare() override {
    Pipeline::prepare();
    handle = [this](const Event& event, Transaction& tx) {
      if (event.id().starts_with("bad")) throw PermanentError("no");
      insert_effect(event, tx);
      Outbox(tx.dialect(), {})
          .emit(tx, {.topic = "payments", .key = "k", .type = "paid", .payload = "{}"});
    };
  }

  void back_up() {
    if (is_sqlite()) return copy(home().place(), backup());
    shell("pg_dump --schema=" + home().place() + " --file=" + backup() + " '" +
          PostgresService::get().uri() + "'");
  }

  void restore() {
    if (is_sqlite()) return copy(backup(), home().place());
    script("DROP SCHEMA " + home().place() + " CASCADE");
    shell("psql --quiet --set=ON_ERROR_STOP=1 --output=/dev/null --file=" + backup() + " '" +
          PostgresService::get().uri() + "'");
  }

  std::vector<std::string> emitted() {
    return texts("SELECT message_id FROM {kinbox}.outbox WHERE dead_letter_id IS NULL ORDER BY id");
  }

  void expect_that_all_adds_up() {
    for (const auto& partition : cli::recount(database()))
      EXPECT_EQ(partition.finding, cli::Finding::kOk)
          << partition.partition.partition << ' ' << ::testing::PrintToString(partition.notes);
    for (const auto& check : cli::check_tables(database()))
      EXPECT_NE(check.finding, cli::Finding::kMismatch) << check.name << ": " << check.note;
  }

 private:
  std::string backup() const { return (folder_ / "backup").string(); }

  /// As the shell's .backup and .restore do it.
  static void copy(const std::string& from, const std::string& to) {
    const SQLite::Database source(from, SQLite::OPEN_READONLY);
    SQLite::Database target(to, SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE);
    target.setBusyTimeout(5'000);
    SQLite::Backup(target, const_cast<SQLite::Database&>(source)).executeStep();
  }

  static void shell(const std::string& line) {
    ChildProcess child({"/bin/sh", "-c", line});
    ASSERT_EQ(child.wait_for(std::chrono::seconds{60}), (ExitStatus{.code = 0, .signal = {}}))
        << child.output(ChildProcess::Stream::kErr);
  }

  TemporaryDirectory folder_;
};
KINBOX_FOR_ALL_DATABASES(RestoredBackup);

TEST_P(RestoredBackup, NothingIsDoubledAndNothingIsLost) {
  for (const auto* id : {"e-0", "bad-1", "e-2"}) send(p0, id);
  send(p1, "f-0");
  run_until_idle({p0, p1});
  back_up();
  for (const auto* id : {"e-3", "bad-4", "e-2", "e-5"}) send(p0, id);
  send(p1, "f-1");
  run_until_idle({p0, p1});
  const auto effects_before = effects_of_key("k");
  const auto emitted_before = emitted();
  ASSERT_THAT(effects_before, SizeIs(6));
  ASSERT_EQ(log.told(p0), 7) << "Kafka believes that all is done";

  restore();
  EXPECT_EQ(position(p0), 3);
  EXPECT_THAT(effects(), SizeIs(3)) << "effects went back with the position";
  expect_that_all_adds_up();

  run_until_idle({p0, p1});
  EXPECT_EQ(position(p0), 7);
  EXPECT_THAT(effects_of_key("k"), ::testing::UnorderedElementsAreArray(effects_before));
  EXPECT_EQ(tally(p0), (Tally{.applied = 4, .duplicates = 1, .dead = 2}));
  EXPECT_THAT(dead_reasons(), SizeIs(2));
  EXPECT_THAT(emitted(), ::testing::UnorderedElementsAreArray(emitted_before))
      << "consumers know them by their ids";
  expect_that_all_adds_up();

  run_until_idle({p0, p1});
  EXPECT_THAT(effects(), SizeIs(6));
}

TEST_P(RestoredBackup, EpochsRepeatAndOwnersDoNot) {
  send(p0, "e-0");
  run_until_idle({p0});
  back_up();
  const auto take = [&](const Progress& progress) {
    const auto tx = database().begin();
    const auto claim = progress.take(*tx, p0, database().session());
    tx->commit();
    return *claim;
  };
  const Progress before("orders", "owner before the restore", database().dialect());
  const auto old_claim = take(before);
  restore();
  const Progress after("orders", "owner after the restore", database().dialect());
  EXPECT_EQ(take(after).epoch, old_claim.epoch);
  const auto tx = database().begin();
  EXPECT_EQ(before.open(*tx, p0, old_claim, 2, database().session()).result(),
            Progress::Opened::kMissed)
      << "who worked before the restore commits nothing after it";
}

}  // namespace
}  // namespace kinbox::testing
