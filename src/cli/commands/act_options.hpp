#pragma once

#include <cstdint>
#include <string>

#include "cli/invocation.hpp"
#include "core/audit.hpp"

namespace CLI {
class App;
}

// What commands by which people change failing events have in common.
namespace kinbox::cli {

struct ActOptions {
  /// Bulk: everything that the filters leave.
  bool all = false;
  /// 0: no limit.
  std::int64_t limit = 0;
  bool yes = false;
  bool dry_run = false;
  /// Who, if somebody else than the operating system says.
  std::string as;
  /// Why, in their own words.
  std::string reason;
};

/// `--as` and `--note`. (`--reason` is a filter, as it is of `dlq list`.)
void add_audit_options(CLI::App& command, ActOptions& options);
/// Those, and `--all`, `--limit`, `--yes`, `--dry-run`. `all_help` says what all is.
void add_bulk_options(CLI::App& command, ActOptions& options, const std::string& all_help);

/// What the audit says of the command, but for the consumer.
Audit::Action audited(const Invocation& invocation, const ActOptions& options,
                      const std::string& action, const std::string& filter);

/// Throws UsageError unless the rows are either named by their ids, or by filters, or by --all.
void require_one_way(bool ids, bool filters, bool all, const std::string& things);

/// What was done to rows chosen by filters: how many, and the number of the audit's row.
void answer_bulk(const Invocation& invocation, const std::string& done, std::int64_t rows,
                 std::int64_t audit_id);

/// "1 letter", "812 letters"
std::string counted(std::int64_t count, const std::string& thing);

}  // namespace kinbox::cli
