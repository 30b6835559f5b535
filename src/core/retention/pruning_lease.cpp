#include "core/retention/pruning_lease.hpp"

#include <utility>

#include "core/replaced.hpp"
#include "core/sql_moment.hpp"

namespace kinbox {
namespace {

constexpr std::string_view kCreate =
    "INSERT INTO {kinbox}.prunings (scope) VALUES ($1) ON CONFLICT (scope) DO NOTHING";
constexpr std::string_view kAcquire =
    "UPDATE {kinbox}.prunings SET token = $2, begun_at = {now}, leased_until = {until} "
    "WHERE scope = $1 AND (leased_until IS NULL OR leased_until < {now}) "
    "AND (begun_at IS NULL OR begun_at <= {last})";
constexpr std::string_view kRenew =
    "UPDATE {kinbox}.prunings SET leased_until = {until} WHERE scope = $1 AND token = $2";
constexpr std::string_view kRelease =
    "UPDATE {kinbox}.prunings SET leased_until = NULL WHERE scope = $1 AND token = $2";

std::string text_for(std::string_view sql, const Dialect& dialect) {
  const auto text = replaced(sql, "{until}", sql_moment(dialect, "$3"));
  return dialect.render(replaced(text, "{last}", sql_moment(dialect, "-$4")));
}

}  // namespace

PruningLease::PruningLease(std::string scope, std::string token, const Dialect& dialect)
    : scope_(std::move(scope)),
      token_(std::move(token)),
      create_(dialect.render(kCreate)),
      acquire_(text_for(kAcquire, dialect)),
      renew_(text_for(kRenew, dialect)),
      release_(dialect.render(kRelease)) {}

bool PruningLease::acquire(OpenTransaction& tx, std::chrono::milliseconds every,
                           std::chrono::milliseconds duration) const {
  tx.execute(create_, scope_);
  return tx.execute(acquire_, scope_, token_, duration.count(), every.count()).affected_rows() == 1;
}

void PruningLease::renew(OpenTransaction& tx, std::chrono::milliseconds duration) const {
  tx.execute(renew_, scope_, token_, duration.count());
}

void PruningLease::release(OpenTransaction& tx) const { tx.execute(release_, scope_, token_); }

}  // namespace kinbox
