#include "core/foreign/intake.hpp"

#include <algorithm>
#include <utility>

#include "core/coordinates_text.hpp"
#include "core/own_statements.hpp"

namespace kinbox::foreign {
namespace {

void note(IntakeTally& tally, const std::string& place, const std::string& what) {
  constexpr std::size_t kMostNotes = 100;
  if (tally.notes.size() < kMostNotes) tally.notes.push_back(place + ": " + what);
}

void count(IntakeTally& tally, LeftOut::Why why) {
  switch (why) {
    case LeftOut::Why::kOtherTopic:
      ++tally.other_topic;
      return;
    case LeftOut::Why::kOtherGroup:
      ++tally.other_group;
      return;
    case LeftOut::Why::kUnclear:
      ++tally.unclear;
      return;
  }
}

void count(IntakeTally& tally, ImportOutcome outcome) {
  switch (outcome) {
    case ImportOutcome::kImported:
      ++tally.imported;
      return;
    case ImportOutcome::kAppliedAlready:
      ++tally.applied_already;
      return;
    case ImportOutcome::kIdConflict:
      ++tally.id_conflicts;
      return;
    case ImportOutcome::kKnown:
      ++tally.known;
      return;
  }
}

}  // namespace

Intake::Intake(Database& database, Adoption adoption, Options options)
    : database_(database),
      adoption_(std::move(adoption)),
      options_(std::move(options)),
      audit_(database.dialect()) {}

std::vector<ImportedLetter> Intake::adopt(std::vector<ForeignLetter> letters,
                                          IntakeTally& tally) const {
  std::vector<ImportedLetter> adopted;
  for (auto& letter : letters) {
    const auto place = coordinates_text(letter.record);
    const auto damaged = letter.damaged;
    auto result = adoption_.adopt(std::move(letter));
    if (auto* taken = std::get_if<ImportedLetter>(&result)) {
      for (const auto& damage : damaged) note(tally, place, damage);
      adopted.push_back(std::move(*taken));
      continue;
    }
    const auto& [why, detail] = std::get<LeftOut>(result);
    count(tally, why);
    if (why == LeftOut::Why::kUnclear) note(tally, place, detail);
  }
  return adopted;
}

void Intake::import(OpenTransaction& tx, std::span<const ImportedLetter> letters,
                    std::optional<std::int64_t> audit_id, IntakeTally& tally) const {
  const LetterImport import(options_.consumer, tx.dialect());
  while (!letters.empty()) {
    auto some = letters;
    // How many of them are new shows only when they are in.
    if (options_.limit > 0) {
      const auto left = std::max<std::int64_t>(0, options_.limit - tally.written());
      some = letters.first(std::min(letters.size(), static_cast<std::size_t>(left)));
    }
    if (some.empty()) return;
    for (const auto outcome : import.run(tx, some, options_.from, audit_id)) count(tally, outcome);
    letters = letters.subspan(some.size());
  }
}

void Intake::take(std::vector<ForeignLetter> letters) {
  auto tally = tally_;
  tally.read += static_cast<std::int64_t>(letters.size());
  const auto adopted = adopt(std::move(letters), tally);
  auto audit_id = audit_id_;
  own_statements("import", [&] {
    const auto tx = database_.begin();
    if (options_.dry_run) return import(*tx, adopted, std::nullopt, tally);
    if (audit_id == 0) audit_id = audit_.begin(*tx, options_.action);
    import(*tx, adopted, audit_id, tally);
    audit_.note(*tx, audit_id, tally.written(), "");
    tx->commit();
  });
  audit_id_ = audit_id;
  tally_ = std::move(tally);
}

void Intake::finish() {
  if (audit_id_ == 0) return;
  own_transaction(database_, "import", [&](OpenTransaction& tx) {
    audit_.note(tx, audit_id_, tally_.written(), "done");
  });
}

}  // namespace kinbox::foreign
