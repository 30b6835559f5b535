#include "core/retention/replay_guard.hpp"

#include "core/own_statements.hpp"
#include "kinbox/errors.hpp"
#include "kinbox/retention.hpp"

namespace kinbox {
namespace {

constexpr std::string_view kRegistered =
    "SELECT min(id) AS id FROM {kinbox}.replays "
    "WHERE consumer = $1 AND state IN ('running', 'paused')";

}  // namespace

std::optional<std::int64_t> registered_replay(OpenTransaction& tx, const std::string& consumer) {
  return tx.query(tx.dialect().render(kRegistered), consumer)[0].get<std::optional<std::int64_t>>(
      "id");
}

void refuse_beside_replay(OpenTransaction& tx, const std::string& consumer) {
  const auto replay = registered_replay(tx, consumer);
  if (!replay) return;
  throw RefusedError("consumer " + consumer + ": replay " + std::to_string(*replay) +
                     " has not ended, and takes events without a row for new ones; let it end, or "
                     "cancel it (kinbox replay cancel " +
                     std::to_string(*replay) + ')');
}

std::optional<std::int64_t> registered_replay(Database& database, const std::string& consumer) {
  std::optional<std::int64_t> replay;
  own_transaction(database, "prune",
                  [&](OpenTransaction& tx) { replay = registered_replay(tx, consumer); });
  return replay;
}

}  // namespace kinbox
