#include "core/worker_presence.hpp"

#include <unistd.h>

#include <array>
#include <utility>

#include "core/own_statements.hpp"
#include "core/replaced.hpp"
#include "core/sql_moment.hpp"
#include "core/storable_text.hpp"

namespace kinbox {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t kMaxName = 255;

constexpr std::string_view kRenew =
    "INSERT INTO {kinbox}.workers (owner, consumer, host, pid, version, partitions, seen_until) "
    "VALUES ($1, $2, $3, $4, $5, $6, {until}) ON CONFLICT (owner) DO UPDATE "
    "SET partitions = excluded.partitions, seen_at = {now}, seen_until = excluded.seen_until";
constexpr std::string_view kForget =
    "DELETE FROM {kinbox}.workers WHERE consumer = $1 AND seen_until < {then}";
constexpr std::string_view kLeave = "DELETE FROM {kinbox}.workers WHERE owner = $1";

/// Those who did not leave in order are shown for a day.
constexpr std::chrono::milliseconds kRemembered = std::chrono::hours{24};

std::string host_name() {
  std::array<char, kMaxName + 1> name{};
  // Cut short it may lack its end.
  if (gethostname(name.data(), name.size() - 1) != 0) return "?";
  return storable_text(name.data(), kMaxName);
}

}  // namespace

WorkerPresence::WorkerPresence(Parts parts) : parts_(std::move(parts)), host_(host_name()) {
  const auto& dialect = parts_.database.dialect();
  renew_ = dialect.render(replaced(kRenew, "{until}", sql_moment(dialect, "$7")));
  forget_ = dialect.render(replaced(kForget, "{then}", sql_moment(dialect, "-$2")));
  leave_ = dialect.render(kLeave);
}

void WorkerPresence::renew(std::size_t partitions) {
  if (Clock::now() < next_) return;
  const bool first = next_ == Clock::time_point{};
  own_transaction(parts_.database, "presence", [&](OpenTransaction& tx) {
    if (first) tx.execute(forget_, parts_.consumer, kRemembered.count());
    tx.execute(renew_, parts_.owner, parts_.consumer, host_, std::int64_t{getpid()}, KINBOX_VERSION,
               static_cast<std::int64_t>(partitions), parts_.lasts.count());
  });
  next_ = Clock::now() + parts_.renew_every;
}

void WorkerPresence::leave() {
  own_transaction(parts_.database, "presence",
                  [&](OpenTransaction& tx) { tx.execute(leave_, parts_.owner); });
}

}  // namespace kinbox
