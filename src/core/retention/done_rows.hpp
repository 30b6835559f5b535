#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/retention/pace.hpp"
#include "kinbox/retention.hpp"

namespace kinbox {

/// One table of rows that are done with after a while, in order of their ids.
struct DoneTable {
  std::string_view what;
  std::string_view table;
  /// Which rows are done with. $1 is the consumer, if the table has one.
  std::string_view done;
  /// When they were.
  std::string_view since;
  bool of_consumer = false;
};

extern const DoneTable kDoneReplays;
extern const DoneTable kDoneOutbox;
extern const DoneTable kDoneMail;
extern const DoneTable kDoneAudit;

/// Deletes a table's rows that were done with before its window. Ids are about as old as what
/// became of their rows: it ends behind the first portion that holds nothing old.
class DoneRows {
 public:
  /// `consumer` counts only for tables of consumers.
  DoneRows(Database& database, const DoneTable& table, std::string consumer,
           std::chrono::milliseconds window, const PruneOptions& options);

  void run(Pace& pace, Pruner::Report& report);
  void preview(Pruner::Report& report);

 private:
  Database& database_;
  const DoneTable& table_;
  std::string consumer_;
  std::chrono::milliseconds window_;
  const PruneOptions& options_;
  std::string page_;
  std::string delete_;
  std::string count_;
};

}  // namespace kinbox
