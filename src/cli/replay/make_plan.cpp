#include "cli/replay/make_plan.hpp"

#include <algorithm>
#include <chrono>

#include "cli/config/find_consumer.hpp"
#include "cli/config/kafka_settings.hpp"
#include "cli/config/nearest.hpp"
#include "cli/consumer_spec.hpp"
#include "cli/database.hpp"
#include "cli/output/joined.hpp"
#include "cli/output/readable.hpp"
#include "cli/position/topic_choice.hpp"
#include "cli/replay/read_range.hpp"
#include "cli/replay/replay_world.hpp"
#include "cli/usage_error.hpp"
#include "core/coordinates_text.hpp"
#include "core/replay/replay_survey.hpp"
#include "kinbox/errors.hpp"
#include "kinbox/kafka/admin.hpp"

namespace kinbox::cli {
namespace {

void require_known_handlers(const PlanRequest& request, const ReplayWorld& world) {
  std::vector<std::string> names;
  for (const auto& handler : world.handlers) names.push_back(handler.name);
  for (const auto& name : request.filter.handlers)
    if (std::ranges::count(names, name) == 0)
      throw UsageError("--handler: consumer " + request.consumer + " has no handler \"" + name +
                       '"' + suggestion(name, names));
}

void require_reprocessable(const PlanRequest& request, const ReplayWorld& world) {
  if (request.mode != ReplayMode::kReprocess) return;
  std::vector<std::string> refused;
  const auto& wanted = request.filter.handlers;
  for (const auto& handler : world.handlers)
    if ((wanted.empty() || std::ranges::count(wanted, handler.name) > 0) && !handler.reprocessable)
      refused.push_back(handler.name);
  if (refused.empty()) return;
  throw UsageError("--mode reprocess: not declared reprocessable: " + joined(refused) +
                   ". Choose others with --handler, rebuild with a consumer of another name "
                   "(docs/replay.md), or let the handler declare it");
}

std::map<TopicPartition, Offset> live_positions(const ReplayWorld& world) {
  std::map<TopicPartition, Offset> positions;
  for (const auto& [id, partition] : world.partitions) positions[id] = partition.live_position;
  return positions;
}

std::map<TopicPartition, Offset> resolved(kafka::LogReader& reader,
                                          const std::vector<TopicPartition>& partitions,
                                          const Place& place, const ReplayWorld& world) {
  return resolve(place, ask_log(reader, partitions, place), {.positions = live_positions(world)});
}

/// Where the wished range lies; the piece that retention has deleted is counted.
std::vector<ReplayPlan::Partition> pieces(kafka::LogReader& reader, const PlanRequest& request,
                                          const std::vector<TopicPartition>& partitions,
                                          const ReplayWorld& world) {
  const auto now = std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now());
  const auto begin = begin_place(request.begin, request.consumer, now);
  if (!begin)
    throw UsageError(
        "say where to begin: --to-earliest, --to-offset, --to-datetime, --by-duration, --shift-by "
        "or --from-file");
  const auto begins = resolved(reader, partitions, *begin, world);
  const auto end = end_place(request.end);
  std::map<TopicPartition, Offset> ends;
  if (end) ends = resolved(reader, partitions, *end, world);
  std::vector<ReplayPlan::Partition> found;
  std::string behind;
  for (const auto& [id, wished] : begins) {
    const auto& known = world.partitions.at(id);
    auto last = known.live_position;
    if (const auto other = ends.find(id); other != ends.end()) last = std::min(last, other->second);
    const auto first = std::max(wished, known.log.start);
    if (wished > last)
      behind = partition_text(id) + " would begin at " + std::to_string(wished) + " and end at " +
               std::to_string(last);
    if (first >= last) continue;
    ReplayPlan::Partition piece;
    piece.slice = {id, first, last};
    piece.topic_id = known.topic_id;
    piece.log_start = known.log.start;
    piece.log_end = known.log.end;
    piece.live_position = known.live_position;
    piece.trusted_from = known.trusted_from;
    piece.gone = std::max<std::int64_t>(0, known.log.start - wished);
    found.push_back(std::move(piece));
  }
  if (found.empty() && !behind.empty())
    throw UsageError("the range ends before it begins: " + behind +
                     ". A replay never passes the consumer's own position");
  return found;
}

void survey(ReplayPlan& plan, const ConsumerConfig& consumer, const ConsumerSpec& spec,
            Database& database, kafka::LogReader& reader) {
  const HandlerRegistry handlers(spec.handlers, database.dialect(), spec.outbox);
  const ReplayEvents events({spec.decoder, handlers, plan.filter, consumer.older_than});
  ReplaySurvey survey(plan, events, database);
  read_range(reader, plan, [&](auto records) { survey.take(std::move(records)); });
  survey.finish();
}

}  // namespace

ReplayPlan make_plan(const Invocation& invocation, const Config& config,
                     const PlanRequest& request) {
  const auto& consumer = find_consumer(config, request.consumer);
  const auto spec = make_spec(consumer, config, invocation.handlers);
  const auto database = make_database_factory(config, Missing::kRefuse)();
  const auto settings = make_settings(config);
  const auto topics = kafka::Admin(settings).topics();
  kafka::LogReader reader(settings);
  const auto world = look_at_world(config, consumer, invocation.handlers, *database, reader);
  if (world.partitions.empty())
    throw Error("consumer " + consumer.name +
                " has no position in any of its topics: there is no past to replay yet");
  require_known_handlers(request, world);
  require_reprocessable(request, world);

  std::vector<TopicChoice> choices;
  for (const auto& word : request.topics) choices.push_back(topic_choice(word));
  auto partitions = chosen_partitions(choices, consumer.topics, topics);
  std::erase_if(partitions, [&](const auto& id) { return !world.partitions.contains(id); });

  ReplayPlan plan;
  plan.consumer = consumer.name;
  plan.group = consumer.group;
  plan.cluster = world.cluster;
  plan.created = std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now());
  plan.mode = request.mode;
  plan.filter = request.filter;
  for (auto& key : plan.filter.keys) key = from_readable(key);
  plan.to_live_position = !end_place(request.end);
  plan.schema = world.schema;
  plan.handlers = world.handlers;
  plan.partitions = pieces(reader, request, partitions, world);
  survey(plan, consumer, spec, *database, reader);
  return plan;
}

}  // namespace kinbox::cli
