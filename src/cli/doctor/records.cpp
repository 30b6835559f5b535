#include <algorithm>
#include <map>

#include "cli/consumer_spec.hpp"
#include "cli/database.hpp"
#include "cli/doctor/examinations.hpp"
#include "kinbox/errors.hpp"
#include "kinbox/handler_registry.hpp"
#include "kinbox/kafka/admin.hpp"
#include "kinbox/kafka/log_reader.hpp"

namespace kinbox::cli {
namespace {

/// What became of the records that were looked at.
struct Sampled {
  std::int64_t records = 0;
  std::int64_t events = 0;
  /// Reasons of those that are no event, and types of events that no handler takes.
  std::map<std::string, std::int64_t> not_usable;
  std::string undecided;
};

std::string counted(const std::map<std::string, std::int64_t>& amounts) {
  std::string text;
  for (const auto& [what, amount] : amounts)
    text += (text.empty() ? "" : ", ") + what + ' ' + std::to_string(amount);
  return text;
}

void judge(const std::string& check, const Sampled& sampled, Findings& findings) {
  const auto of_all = std::to_string(sampled.events) + " of the last " +
                      std::to_string(sampled.records) + " records are events for a handler";
  if (sampled.records == 0) return findings.skip(check, "the topic holds no records");
  if (!sampled.undecided.empty())
    return findings.fail(check, "its partitions would halt: " + sampled.undecided,
                         "add id_scope to the topic: docs/configuration.md, identity per topic");
  if (sampled.not_usable.empty()) return findings.ok(check, of_all);
  const auto found = of_all + "; not: " + counted(sampled.not_usable);
  const std::string way_out =
      "look at the topic's id, type and format: docs/configuration.md, identity per topic";
  if (sampled.events == 0)
    findings.fail(check, found, way_out);
  else
    findings.warn(check, found, way_out);
}

class Sampler {
 public:
  Sampler(const kafka::Settings& settings, std::chrono::milliseconds patience, std::int64_t sample)
      : reader_(settings, patience), admin_(settings, patience), sample_(sample) {}

  /// nullopt: the topic is not there.
  std::optional<Sampled> look(const std::string& topic, const ConsumerConfig& consumer,
                              const HandlerRegistry& handlers) {
    const auto partitions = admin_.partition_count(topic);
    if (!partitions) return std::nullopt;
    reader_.start(last_slices(topic, *partitions));
    const auto decoder = make_decoder(consumer);
    Sampled sampled;
    for (auto records = reader_.next(kAtOnce); !records.empty(); records = reader_.next(kAtOnce))
      for (const auto& record : records) count(decoder.decode(record), consumer, handlers, sampled);
    return sampled;
  }

 private:
  static constexpr std::size_t kAtOnce = 100;

  /// The ends of all partitions, as many offsets of each.
  std::vector<kafka::LogSlice> last_slices(const std::string& topic, int partitions) {
    std::vector<TopicPartition> all;
    for (std::int32_t i = 0; i < partitions; ++i) all.push_back({topic, i});
    const auto each = (sample_ + partitions - 1) / partitions;
    std::vector<kafka::LogSlice> slices;
    for (const auto& [partition, range] : reader_.ranges(all))
      if (range.end > range.start)
        slices.push_back({partition, std::max(range.start, range.end - each), range.end});
    return slices;
  }

  static void count(const Decoded& decoded, const ConsumerConfig& consumer,
                    const HandlerRegistry& handlers, Sampled& sampled) {
    ++sampled.records;
    if (const auto* poison = std::get_if<Poison>(&decoded)) {
      ++sampled.not_usable[std::string(poison->reason)];
    } else if (const auto* undecided = std::get_if<Undecided>(&decoded)) {
      sampled.undecided = undecided->detail;
    } else {
      const auto& type = std::get<Event>(decoded).type();
      const bool wanted =
          handlers.find(type) != nullptr || consumer.unknown_types == UnknownTypes::kSkip;
      wanted ? ++sampled.events : ++sampled.not_usable["unknown_type \"" + type + '"'];
    }
  }

  kafka::LogReader reader_;
  kafka::Admin admin_;
  std::int64_t sample_;
};

}  // namespace

void examine_records(const Config& config, std::span<const HandlerSpec> handlers,
                     const kafka::Settings& settings, std::chrono::milliseconds patience,
                     std::int64_t sample, Findings& findings) {
  Sampler sampler(settings, patience, sample);
  for (const auto& consumer : config.consumers)
    findings.attempt("records for " + consumer.name, "let this user read its topics (READ)", [&] {
      const auto spec = make_spec(consumer, config, handlers);
      const HandlerRegistry registry(spec.handlers, dialect_of(config), spec.outbox);
      for (const auto& topic : consumer.topics) {
        const auto check = "records of " + topic + " for " + consumer.name;
        if (const auto sampled = sampler.look(topic, consumer, registry))
          judge(check, *sampled, findings);
        else
          findings.skip(check, "the topic is not there");
      }
    });
}

}  // namespace kinbox::cli
