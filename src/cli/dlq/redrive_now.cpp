#include "cli/dlq/redrive_now.hpp"

#include <algorithm>
#include <set>

#include "cli/consumer_spec.hpp"
#include "cli/database.hpp"
#include "core/own_statements.hpp"
#include "kinbox/redriver.hpp"

namespace kinbox::cli {
namespace {

constexpr std::string_view kPartitions =
    "SELECT DISTINCT topic, partition FROM {kinbox}.letter_states "
    "WHERE consumer = $1 AND state = 'requested' ORDER BY topic, partition";

std::vector<TopicPartition> partitions_of(Database& database, const std::string& consumer) {
  std::vector<TopicPartition> partitions;
  own_transaction(database, "requested letters", [&](OpenTransaction& tx) {
    for (const auto row : tx.query(tx.dialect().render(kPartitions), consumer))
      partitions.push_back(
          {row.get<std::string>(0), static_cast<std::int32_t>(row.get<std::int64_t>(1))});
  });
  return partitions;
}

std::string text_of(Redriver::Outcome outcome) {
  switch (outcome) {
    case Redriver::Outcome::kDone:
      return "tried";
    case Redriver::Outcome::kOwned:
      return "left to the worker that owns it";
    case Redriver::Outcome::kUnknown:
      return "left as they are: the consumer never had this partition; start `kinbox run` once";
    case Redriver::Outcome::kHeld:
      return "left as they are: the partition waits for a replay; see `kinbox replay list`";
    case Redriver::Outcome::kStopped:
      break;
  }
  return "stopped on the way; see `kinbox status`";
}

}  // namespace

bool redrive_now(const Invocation& invocation, const std::vector<std::string>& consumers) {
  const auto config = invocation.load();
  const auto connect = make_database_factory(config, Missing::kRefuse);
  bool all = true;
  Observer silent;
  for (const auto& name : consumers) {
    const auto consumer =
        std::find_if(config.consumers.begin(), config.consumers.end(),
                     [&](const auto& candidate) { return candidate.name == name; });
    if (consumer == config.consumers.end()) {
      invocation.io.err << name << ": not in the configuration, its letters stay requested\n";
      all = false;
      continue;
    }
    Redriver redriver(make_spec(*consumer, config, invocation.handlers),
                      make_worker_options(*consumer, config).dispatch, connect(), silent);
    for (const auto& partition : partitions_of(*connect(), name)) {
      const auto outcome = redriver.run(partition);
      invocation.io.err << name << ' ' << partition.topic << '/' << partition.partition << ": "
                        << text_of(outcome) << '\n';
      all = all && outcome == Redriver::Outcome::kDone;
    }
  }
  return all;
}

}  // namespace kinbox::cli
