#include "kafka/kafka_source.hpp"

#include <algorithm>

#include "kafka/client_config.hpp"
#include "kafka/group_rules.hpp"
#include "kafka/partition_list.hpp"
#include "kafka/shutdown.hpp"
#include "kinbox/errors.hpp"

namespace kinbox::kafka {
namespace {

using Clock = std::chrono::steady_clock;

rd_kafka_t* start_consumer(const SourceOptions& options, KafkaSource& owner,
                           void (*on_rebalance)(rd_kafka_t*, rd_kafka_resp_err_t,
                                                rd_kafka_topic_partition_list_t*, void*)) {
  auto conf = consumer_conf(options.settings, options.group, owner.instance_id());
  rd_kafka_conf_set_opaque(conf.get(), &owner);
  route_messages<KafkaSource>(conf.get());
  rd_kafka_conf_set_rebalance_cb(conf.get(), on_rebalance);
  rd_kafka_t* rk = start_client(RD_KAFKA_CONSUMER, std::move(conf));
  rd_kafka_poll_set_consumer(rk);
  rd_kafka_set_log_queue(rk, nullptr);
  return rk;
}

}  // namespace

std::unique_ptr<Source> make_source(SourceOptions options, Observer& observer) {
  return std::make_unique<KafkaSource>(std::move(options), observer);
}

KafkaSource::KafkaSource(SourceOptions options, Observer& observer)
    : options_(std::move(options)),
      voice_(observer),
      rk_(start_consumer(options_, *this, &on_rebalance)),
      assignment_(rk_, voice_),
      teller_(std::make_unique<Teller>(rk_, voice_)),
      nudge_(std::in_place, rk_) {}

KafkaSource::~KafkaSource() {
  constexpr std::chrono::seconds kPatience{5};
  release(Clock::now() + kPatience);
}

rd_kafka_t* KafkaSource::client() const {
  if (rk_ == nullptr) throw ConfigurationError("this Kafka source is closed");
  return rk_;
}

std::string KafkaSource::instance_id() const {
  const auto& settings = options_.settings.values();
  const auto id = settings.find(kInstanceId);
  if (id == settings.end()) return {};
  return options_.member == 0 ? id->second : id->second + '-' + std::to_string(options_.member);
}

void KafkaSource::subscribe(AssignmentListener& listener) {
  listener_ = &listener;
  auto topics = new_list(options_.topics.size());
  for (const auto& topic : options_.topics) add(topics, {topic, RD_KAFKA_PARTITION_UA});
  const auto error = rd_kafka_subscribe(client(), topics.get());
  if (error == RD_KAFKA_RESP_ERR_NO_ERROR) {
    if (broker_assigns(options_.settings.values()) && options_.stalled_after.count() > 0)
      assigned_by_ = std::chrono::steady_clock::now() + options_.stalled_after;
    return;
  }
  std::string names;
  for (const auto& topic : options_.topics) names += " \"" + topic + "\"";
  throw ConfigurationError("cannot subscribe to" + names + ": " + rd_kafka_err2str(error));
}

void KafkaSource::start_at(const TopicPartition& partition, Offset offset) {
  auto* owned = assignment_.find(partition);
  if (owned == nullptr) return;
  drop(partition);
  assignment_.start(*owned, offset);
}

void KafkaSource::pause(const TopicPartition& partition) {
  auto* owned = assignment_.find(partition);
  if (owned == nullptr) return;
  assignment_.pause(partition, *owned);
  // It may be kept for long and would pin its fetch buffer.
  for (auto& record : carried_)
    if (record.topic_partition() == partition) record = record.detach();
}

void KafkaSource::resume(const TopicPartition& partition) {
  if (auto* owned = assignment_.find(partition)) assignment_.resume(partition, *owned);
}

void KafkaSource::tell(std::span<const PartitionOffset> positions) {
  // Kafka would take it from anybody in the group.
  std::vector<PartitionOffset> ours;
  for (const auto& position : positions) {
    const auto* owned = assignment_.find(position.partition);
    if (owned != nullptr && !owned->lost) ours.push_back(position);
  }
  client();
  teller_->tell(ours);
}

template <typename Query>
auto KafkaSource::ask(Query query) {
  try {
    return query(client());
  } catch (const InfrastructureError& e) {
    // Once subscribed, polls bring what is said, and here may be inside of one.
    if (listener_ == nullptr) const MessageHandle none(rd_kafka_consumer_poll(rk_, 0));
    throw InfrastructureError(e.what() + voice_.last_trouble());
  }
}

Offset KafkaSource::answer(Question question, const TopicPartition& partition) {
  const auto about = [&](std::span<const TopicPartition> partitions) {
    return ask([&](rd_kafka_t* rk) {
      return ask_brokers(rk, question, partitions, options_.ask_timeout);
    });
  };
  const auto* owned = assignment_.find(partition);
  const bool unstarted = owned != nullptr && !owned->assigned && !owned->stopped;
  if (!unstarted) return offset_for(partition, about({&partition, 1}));
  if (!joint_answers_.has(question, partition))
    joint_answers_.keep(question, about(assignment_.unstarted()));
  return offset_for(partition, joint_answers_.of(question));
}

std::optional<Offset> KafkaSource::told(const TopicPartition& partition) {
  const auto offset = answer(kCommitted, partition);
  if (offset < 0) return std::nullopt;
  return offset;
}

LogRange KafkaSource::log_range(const TopicPartition& partition) {
  const auto start = answer(kLogStart, partition);
  return {.start = start, .end = answer(kLogEnd, partition)};
}

Offset KafkaSource::offset_at(const TopicPartition& partition, Timestamp time) {
  const auto milliseconds = time.time_since_epoch().count();
  const auto found = answer(std::max<Question>(0, milliseconds), partition);
  if (found >= 0) return found;
  const auto log = log_range(partition);
  // Whoever knows times knows of a record behind the first of them.
  if (log.start < log.end && answer(0, partition) < 0)
    throw ConfigurationError("the brokers do not know where times are in " + partition.topic +
                             ": begin at `earliest` or `latest`, or set the position "
                             "(`kinbox position set`)");
  return log.end;  // nothing that new
}

std::string KafkaSource::topic_id(const std::string& topic) {
  return ask([&](rd_kafka_t* rk) { return kafka::topic_id(rk, topic, options_.ask_timeout); });
}

bool KafkaSource::at_end(const TopicPartition& partition) const {
  const auto* owned = assignment_.find(partition);
  return owned != nullptr && owned->at_end;
}

std::string KafkaSource::cluster_id() {
  return ask([&](rd_kafka_t* rk) { return kafka::cluster_id(rk, options_.ask_timeout); });
}

void KafkaSource::close(Clock::time_point deadline) {
  if (rk_ == nullptr) return;
  gathering_ = {};
  carried_.clear();
  const auto now = Clock::now();
  closing_by_ = now + (deadline - now) * 3 / 4;
  if (!leave_group(rk_, closing_by_))
    voice_.say(4, "the group \"" + options_.group +
                      "\" could not be left in time; the broker will notice by itself");
  const auto rest = assignment_.partitions();
  if (!rest.empty()) announce_revoked(rest, Revocation::kLost);
  release(deadline);
}

Clock::time_point KafkaSource::last_tell_deadline() const {
  return std::min(closing_by_, Clock::now() + options_.last_tell_timeout);
}

void KafkaSource::release(Clock::time_point deadline) {
  if (rk_ == nullptr) return;
  gathering_ = {};
  carried_.clear();
  teller_.reset();
  nudge_.reset();
  if (!destroy_by(std::exchange(rk_, nullptr), deadline))
    voice_.say(4, "librdkafka did not let go of its client in time; it is left behind");
}

void KafkaSource::drop(const TopicPartition& partition) {
  const auto is_its = [&](const auto& record) { return record.topic_partition() == partition; };
  std::erase_if(carried_, is_its);
  std::erase_if(gathering_.polled.records, is_its);
  std::erase_if(gathering_.polled.out_of_range,
                [&](const auto& report) { return report.partition == partition; });
}

}  // namespace kinbox::kafka
