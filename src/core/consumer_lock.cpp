#include "core/consumer_lock.hpp"

#include <string_view>

namespace kinbox {
namespace {

// hashtextextended: 64 bits, so that consumers do not share a lock by chance.
constexpr std::string_view kShared = "SELECT pg_advisory_xact_lock_shared(hashtextextended($1, 0))";
constexpr std::string_view kExclusive = "SELECT pg_advisory_xact_lock(hashtextextended($1, 0))";

}  // namespace

ConsumerLock::ConsumerLock(std::string consumer, const Dialect& dialect)
    : needed_(dialect.backend() == Backend::kPostgres),
      name_("kinbox " + dialect.schema() + ' ' + std::move(consumer)) {}

void ConsumerLock::take(OpenTransaction& tx, Mode mode) const {
  if (needed_) tx.execute(mode == Mode::kShared ? kShared : kExclusive, name_);
}

}  // namespace kinbox
