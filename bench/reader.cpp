#include "reader.hpp"

#include <array>
#include <stdexcept>
#include <utility>

namespace kinbox::bench {
namespace {

// Those that this librdkafka does not know are left out, as kinbox does.
constexpr std::array<std::pair<const char*, const char*>, 12> kSettings{{
    {"enable.auto.commit", "false"},
    {"enable.auto.offset.store", "false"},
    {"auto.offset.reset", "earliest"},
    {"isolation.level", "read_committed"},
    {"partition.assignment.strategy", "range,roundrobin"},
    {"heartbeat.interval.ms", kHeartbeatMilliseconds},
    {"socket.nagle.disable", "true"},
    {"queued.max.messages.kbytes", "65536"},
    {"queued.min.messages", "120000"},
    {"fetch.queue.backoff.ms", "10"},
    {"check.crcs", "true"},
    {"client.id", "bench"},
}};

}  // namespace

Reader::Reader(const Task& task, StartAt start_at)
    : topic_(task.topic), start_at_(std::move(start_at)) {
  kafka::ConfHandle conf(rd_kafka_conf_new());
  std::array<char, 512> error{};
  const auto set = [&](const char* key, const char* value) {
    if (rd_kafka_conf_set(conf.get(), key, value, error.data(), error.size()) ==
        RD_KAFKA_CONF_INVALID)
      throw std::runtime_error(error.data());
  };
  for (const auto& [key, value] : kSettings) set(key, value);
  set("bootstrap.servers", task.brokers.c_str());
  set("group.id", task.group.c_str());
  rd_kafka_conf_set_opaque(conf.get(), this);
  rd_kafka_conf_set_rebalance_cb(conf.get(), &on_rebalance);
  client_.reset(rd_kafka_new(RD_KAFKA_CONSUMER, conf.get(), error.data(), error.size()));
  if (!client_) throw std::runtime_error(error.data());
  conf.release();
  rd_kafka_poll_set_consumer(client_.get());
  const kafka::PartitionListHandle topics(rd_kafka_topic_partition_list_new(1));
  rd_kafka_topic_partition_list_add(topics.get(), topic_.c_str(), RD_KAFKA_PARTITION_UA);
  rd_kafka_subscribe(client_.get(), topics.get());
}

Reader::~Reader() { rd_kafka_consumer_close(client_.get()); }

std::vector<kafka::MessageHandle> Reader::poll() {
  std::vector<kafka::MessageHandle> messages;
  messages.reserve(kBatch);
  while (messages.size() < kBatch) {
    kafka::MessageHandle message(
        rd_kafka_consumer_poll(client_.get(), messages.empty() ? kPollMilliseconds : 0));
    if (failure_) std::rethrow_exception(failure_);
    // What was polled before is somebody else's now, or comes again.
    if (std::exchange(revoked_, false)) messages.clear();
    if (!message) break;
    if (message->err != RD_KAFKA_RESP_ERR_NO_ERROR)
      throw std::runtime_error(rd_kafka_message_errstr(message.get()));
    next_[message->partition] = message->offset + 1;
    messages.push_back(std::move(message));
  }
  return messages;
}

void Reader::tell() {
  stored_ = next_;
  commit_stored(true);
}

void Reader::on_rebalance(rd_kafka_t*, rd_kafka_resp_err_t what,
                          rd_kafka_topic_partition_list_t* partitions, void* self) {
  auto& reader = *static_cast<Reader*>(self);
  try {
    if (what == RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS)
      reader.assign(*partitions);
    else
      reader.revoke();
  } catch (...) {
    reader.failure_ = std::current_exception();
    rd_kafka_assign(reader.client_.get(), nullptr);
  }
}

void Reader::assign(rd_kafka_topic_partition_list_t& partitions) {
  for (int i = 0; i < partitions.cnt; ++i) {
    auto& entry = partitions.elems[i];
    entry.offset = start_at_(entry.partition);
  }
  rd_kafka_assign(client_.get(), &partitions);
}

void Reader::revoke() {
  commit_stored(false);
  next_.clear();
  stored_.clear();
  revoked_ = true;
  rd_kafka_assign(client_.get(), nullptr);
}

void Reader::commit_stored(bool asynchronously) {
  if (stored_.empty()) return;
  const kafka::PartitionListHandle offsets(rd_kafka_topic_partition_list_new(4));
  for (const auto& [partition, next] : stored_)
    rd_kafka_topic_partition_list_add(offsets.get(), topic_.c_str(), partition)->offset = next;
  rd_kafka_commit(client_.get(), offsets.get(), asynchronously ? 1 : 0);
}

}  // namespace kinbox::bench
