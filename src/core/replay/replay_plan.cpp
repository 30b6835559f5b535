#include "core/replay/replay_plan.hpp"

#include <nlohmann/json.hpp>

#include "core/hex_text.hpp"
#include "core/iso_time.hpp"
#include "kinbox/errors.hpp"
#include "kinbox/fingerprint.hpp"

namespace kinbox {
namespace {

using nlohmann::json;

constexpr int kFormat = 1;

/// Text of Kafka or of a handler may be no UTF-8: keys are bytes. They stand as arrays of numbers
/// then.
json bytes_json(const std::string& bytes) {
  try {
    return json::parse(json(bytes).dump());
  } catch (const json::exception&) {
    return json(std::vector<int>(bytes.begin(), bytes.end()));
  }
}

std::string bytes_from(const json& value) {
  if (value.is_string()) return value.get<std::string>();
  std::string bytes;
  for (const auto& one : value) bytes += static_cast<char>(one.get<int>());
  return bytes;
}

json filter_json(const ReplayFilter& filter) {
  json keys = json::array();
  for (const auto& key : filter.keys) keys.push_back(bytes_json(key));
  return {{"handlers", filter.handlers},
          {"event_types", filter.event_types},
          {"event_ids", filter.event_ids},
          {"keys", std::move(keys)}};
}

ReplayFilter filter_from(const json& value) {
  ReplayFilter filter;
  value.at("handlers").get_to(filter.handlers);
  value.at("event_types").get_to(filter.event_types);
  value.at("event_ids").get_to(filter.event_ids);
  for (const auto& key : value.at("keys")) filter.keys.push_back(bytes_from(key));
  return filter;
}

struct Count {
  const char* name;
  std::int64_t ReplayCounts::*member;
};
constexpr Count kCounts[] = {
    {"in_range", &ReplayCounts::in_range},       {"outside", &ReplayCounts::outside},
    {"applied", &ReplayCounts::applied},         {"dead", &ReplayCounts::dead},
    {"parked", &ReplayCounts::parked},           {"skipped", &ReplayCounts::skipped},
    {"never_seen", &ReplayCounts::never_seen},   {"unknown", &ReplayCounts::unknown},
    {"undecodable", &ReplayCounts::undecodable}, {"unhandled", &ReplayCounts::unhandled}};

json counts_json(const ReplayCounts& counts) {
  json value;
  for (const auto& [name, member] : kCounts) value[name] = counts.*member;
  return value;
}

ReplayCounts counts_from(const json& value) {
  ReplayCounts counts;
  for (const auto& [name, member] : kCounts) value.at(name).get_to(counts.*member);
  return counts;
}

json marks_json(const std::vector<RecordMark>& marks) {
  json value = json::array();
  for (const auto& [offset, checksum] : marks)
    value.push_back({{"offset", offset}, {"checksum", checksum}});
  return value;
}

std::vector<RecordMark> marks_from(const json& value) {
  std::vector<RecordMark> marks;
  for (const auto& mark : value)
    marks.push_back({mark.at("offset").get<Offset>(), mark.at("checksum").get<std::string>()});
  return marks;
}

json partition_json(const ReplayPlan::Partition& partition) {
  const auto& slice = partition.slice;
  return {{"topic", slice.partition.topic},
          {"partition", slice.partition.partition},
          {"topic_id", partition.topic_id},
          {"begin", slice.begin},
          {"end", slice.end},
          {"log_start", partition.log_start},
          {"log_end", partition.log_end},
          {"live_position", partition.live_position},
          {"trusted_from", partition.trusted_from},
          {"gone", partition.gone},
          {"marks", marks_json(partition.marks)},
          {"counts", counts_json(partition.counts)}};
}

ReplayPlan::Partition partition_from(const json& value) {
  ReplayPlan::Partition partition;
  auto& slice = partition.slice;
  value.at("topic").get_to(slice.partition.topic);
  value.at("partition").get_to(slice.partition.partition);
  value.at("topic_id").get_to(partition.topic_id);
  value.at("begin").get_to(slice.begin);
  value.at("end").get_to(slice.end);
  value.at("log_start").get_to(partition.log_start);
  value.at("log_end").get_to(partition.log_end);
  value.at("live_position").get_to(partition.live_position);
  value.at("trusted_from").get_to(partition.trusted_from);
  value.at("gone").get_to(partition.gone);
  partition.marks = marks_from(value.at("marks"));
  partition.counts = counts_from(value.at("counts"));
  return partition;
}

json plan_json(const ReplayPlan& plan) {
  json handlers = json::array();
  for (const auto& handler : plan.handlers)
    handlers.push_back({{"name", handler.name},
                        {"event_types", handler.event_types},
                        {"reprocessable", handler.reprocessable},
                        {"order_independent", handler.order_independent}});
  json partitions = json::array();
  for (const auto& partition : plan.partitions) partitions.push_back(partition_json(partition));
  json by_handler = json::object();
  for (const auto& [name, counts] : plan.by_handler) by_handler[name] = counts_json(counts);
  return {{"kinbox_replay_plan", kFormat},
          {"consumer", plan.consumer},
          {"group", plan.group},
          {"cluster", plan.cluster},
          {"created", iso_text(plan.created)},
          {"mode", to_text(plan.mode)},
          {"filter", filter_json(plan.filter)},
          {"to_live_position", plan.to_live_position},
          {"schema", plan.schema},
          {"handlers", std::move(handlers)},
          {"partitions", std::move(partitions)},
          {"by_handler", std::move(by_handler)},
          {"total", counts_json(plan.total())}};
}

ReplayMode mode_from(const std::string& text) {
  for (const auto mode : {ReplayMode::kFill, ReplayMode::kTrial, ReplayMode::kReprocess})
    if (to_text(mode) == text) return mode;
  throw Error("there is no replay mode \"" + text + '"');
}

ReplayPlan plan_from(const json& value) {
  if (value.at("kinbox_replay_plan").get<int>() != kFormat)
    throw Error("the plan was written by another version of kinbox; plan again");
  ReplayPlan plan;
  value.at("consumer").get_to(plan.consumer);
  value.at("group").get_to(plan.group);
  value.at("cluster").get_to(plan.cluster);
  const auto created = parse_iso(value.at("created").get<std::string>());
  if (!created) throw Error("the plan does not say when it was made");
  plan.created = *created;
  plan.mode = mode_from(value.at("mode").get<std::string>());
  plan.filter = filter_from(value.at("filter"));
  value.at("to_live_position").get_to(plan.to_live_position);
  value.at("schema").get_to(plan.schema);
  for (const auto& handler : value.at("handlers"))
    plan.handlers.push_back({handler.at("name").get<std::string>(),
                             handler.at("event_types").get<std::vector<std::string>>(),
                             handler.at("reprocessable").get<bool>(),
                             handler.at("order_independent").get<bool>()});
  for (const auto& partition : value.at("partitions"))
    plan.partitions.push_back(partition_from(partition));
  for (const auto& [name, counts] : value.at("by_handler").items())
    plan.by_handler[name] = counts_from(counts);
  return plan;
}

std::string hash_of(const json& plan) {
  const auto text = plan.dump();
  return hex_text(Fingerprint::of(as_bytes(text)).bytes().subspan(1));
}

json choices_json(const ReplayChoices& choices) {
  return {{"mode", to_text(choices.mode)},         {"filter", filter_json(choices.filter)},
          {"treat_as_new", choices.treat_as_new},  {"beside_live", choices.beside_live},
          {"include_dead", choices.include_dead},  {"emit", choices.emit},
          {"mail_revision", choices.mail_revision}};
}

ReplayChoices choices_from(const json& value) {
  ReplayChoices choices;
  choices.mode = mode_from(value.at("mode").get<std::string>());
  choices.filter = filter_from(value.at("filter"));
  value.at("treat_as_new").get_to(choices.treat_as_new);
  value.at("beside_live").get_to(choices.beside_live);
  value.at("include_dead").get_to(choices.include_dead);
  value.at("emit").get_to(choices.emit);
  value.at("mail_revision").get_to(choices.mail_revision);
  return choices;
}

}  // namespace

ReplayCounts& ReplayCounts::operator+=(const ReplayCounts& other) noexcept {
  for (const auto& count : kCounts) this->*count.member += other.*count.member;
  return *this;
}

ReplayCounts ReplayPlan::total() const {
  ReplayCounts total;
  for (const auto& partition : partitions) total += partition.counts;
  return total;
}

std::string to_text(const ReplayPlan& plan) {
  auto value = plan_json(plan);
  value["hash"] = hash_of(value);
  return value.dump(2) + '\n';
}

std::string hash_of(const ReplayPlan& plan) { return hash_of(plan_json(plan)); }

ReplayPlan read_plan(std::string_view text) {
  try {
    auto value = json::parse(text);
    const auto said = value.at("hash").get<std::string>();
    value.erase("hash");
    auto plan = plan_from(value);
    if (hash_of(value) != said)
      throw Error("the plan was changed since `kinbox replay plan` wrote it: its hash is another");
    return plan;
  } catch (const json::exception& e) {
    throw Error(std::string("that is no plan of `kinbox replay plan`: ") + e.what());
  }
}

std::string to_text(const ReplayPlan& plan, const ReplayChoices& choices) {
  return json{{"plan", plan_json(plan)}, {"choices", choices_json(choices)}}.dump();
}

RecordedPlan read_recorded_plan(std::string_view text) {
  try {
    const auto value = json::parse(text);
    return {plan_from(value.at("plan")), choices_from(value.at("choices"))};
  } catch (const json::exception& e) {
    throw Error(std::string("the plan in the table of replays cannot be read: ") + e.what());
  }
}

}  // namespace kinbox
