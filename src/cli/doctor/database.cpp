#include "cli/database.hpp"

#include <sys/statvfs.h>

#include "cli/config/units.hpp"
#include "cli/consumer_spec.hpp"
#include "cli/doctor/examinations.hpp"
#include "core/own_statements.hpp"
#include "core/sql_moment.hpp"
#include "kinbox/errors.hpp"
#include "kinbox/migrations.hpp"

namespace kinbox::cli {
namespace {

using std::chrono::milliseconds;
using std::chrono::system_clock;

/// Beyond it times in the log and in rows contradict each other.
constexpr milliseconds kClockWarning = std::chrono::seconds{2};
constexpr milliseconds kClockFailure = std::chrono::minutes{1};

constexpr std::uint64_t kMebibyte = std::uint64_t{1} << 20;

/// The question is put between two looks at our clock; the answer belongs to their middle.
milliseconds clock_ahead(Database& database) {
  milliseconds ahead{0};
  own_transaction(database, "clock", [&](OpenTransaction& tx) {
    const auto& dialect = tx.dialect();
    const auto sql = dialect.render("SELECT " + sql_epoch_milliseconds(dialect, "{now}"));
    const auto before = system_clock::now();
    const milliseconds theirs{tx.query(sql)[0].get<std::int64_t>(0)};
    const auto middle = before + (system_clock::now() - before) / 2;
    ahead = theirs - std::chrono::floor<milliseconds>(middle.time_since_epoch());
  });
  return ahead;
}

void examine_space(const std::string& path, Findings& findings) {
  struct statvfs found {};
  if (::statvfs(path.c_str(), &found) != 0)
    return findings.skip("disk space", "cannot be asked for " + path);
  judge_space(path, std::uint64_t{found.f_bavail} * found.f_frsize,
              std::uint64_t{found.f_blocks} * found.f_frsize, findings);
}

}  // namespace

void judge_space(const std::string& path, std::uint64_t free, std::uint64_t total,
                 Findings& findings) {
  const auto text = std::to_string(free / kMebibyte) + " MiB free for " + path;
  const std::string way_out = "make room, or prune: kinbox prune";
  if (free < 100 * kMebibyte)
    findings.fail("disk space", text, way_out);
  else if (free < total / 10)
    findings.warn("disk space", text + ", less than a tenth of its file system", way_out);
  else
    findings.ok("disk space", text);
}

void judge_clock(milliseconds ahead, Findings& findings) {
  const auto off = std::chrono::abs(ahead);
  const auto text = "the database's clock is " + to_text(off) +
                    (ahead.count() < 0 ? " behind this machine's" : " ahead of this machine's");
  const std::string way_out = "let both follow NTP; kinbox decides by the database's";
  if (off > kClockFailure)
    findings.fail("clock", text, way_out);
  else if (off > kClockWarning)
    findings.warn("clock", text, way_out);
  else
    findings.ok("clock", text);
}

bool examine_database(const Config& config, std::span<const HandlerSpec> handlers,
                      Database& database, Findings& findings) {
  const bool postgres = config.backend() == Backend::kPostgres;
  bool usable = findings.attempt("database", "look at database:, and whether it runs", [&] {
    database.begin()->rollback();
    findings.ok("database", describe_database(config));
  });
  if (!usable) return false;
  usable = findings.attempt("schema", "kinbox migrate up", [&] {
    SchemaMigrator(database, schema_components(config, handlers)).require_current();
    findings.ok("schema", "current");
  });
  findings.attempt("clock", "", [&] { judge_clock(clock_ahead(database), findings); });
  if (!postgres) examine_space(std::get<SqliteConfig>(config.database).path, findings);
  if (!usable) return false;
  findings.attempt("database settings", "as the text says", [&] {
    database.refuse_unsafe();
    findings.ok("database settings", "they keep what was committed");
  });
  return true;
}

}  // namespace kinbox::cli
