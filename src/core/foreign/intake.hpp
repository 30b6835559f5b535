#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/audit.hpp"
#include "core/foreign/adoption.hpp"
#include "kinbox/database.hpp"

namespace kinbox::foreign {

/// What became of the records of a DLQ topic.
struct IntakeTally {
  std::int64_t read = 0;
  /// See ImportOutcome.
  std::int64_t imported = 0;
  std::int64_t applied_already = 0;
  std::int64_t id_conflicts = 0;
  std::int64_t known = 0;
  /// See LeftOut.
  std::int64_t other_topic = 0;
  std::int64_t other_group = 0;
  std::int64_t unclear = 0;
  /// What a person should know of single records: damaged headers, and why they are unclear. The
  /// first hundred.
  std::vector<std::string> notes;

  /// Letters that were not there before.
  std::int64_t written() const { return imported + applied_already + id_conflicts; }
};

/// Takes records of a DLQ topic in as dead letters of one consumer, a transaction per portion: it
/// may be cut short anywhere and begun again. What is there already is passed over.
class Intake {
 public:
  struct Options {
    std::string consumer;
    /// For the letters' history: "dlq topic orders-dlt".
    std::string from;
    /// For the audit; what is taken in is one action.
    Audit::Action action;
    /// At most so many new letters; 0: no limit.
    std::int64_t limit = 0;
    /// Everything is done but kept.
    bool dry_run = false;
  };

  Intake(Database& database, Adoption adoption, Options options);

  /// Takes one portion in. Throws InfrastructureError when the database does not take it; nothing
  /// of the portion is there then.
  void take(std::vector<ForeignLetter> letters);
  /// Tells the audit that it is done.
  void finish();

  bool full() const { return options_.limit > 0 && tally_.written() >= options_.limit; }
  const IntakeTally& tally() const noexcept { return tally_; }
  /// Its row of the audit; 0 while nothing was taken in, and for a dry run.
  std::int64_t audit_id() const noexcept { return audit_id_; }

 private:
  std::vector<ImportedLetter> adopt(std::vector<ForeignLetter> letters, IntakeTally& tally) const;
  void import(OpenTransaction& tx, std::span<const ImportedLetter> letters,
              std::optional<std::int64_t> audit_id, IntakeTally& tally) const;

  Database& database_;
  Adoption adoption_;
  Options options_;
  Audit audit_;
  IntakeTally tally_;
  std::int64_t audit_id_ = 0;
};

}  // namespace kinbox::foreign
