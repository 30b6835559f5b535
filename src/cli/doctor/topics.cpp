#include "cli/doctor/examinations.hpp"
#include "core/dlq_topic_name.hpp"
#include "kinbox/kafka/admin.hpp"

namespace kinbox::cli {
namespace {

class TopicExamination {
 public:
  TopicExamination(kafka::Admin& admin, std::map<std::string, int> topics, Findings& findings)
      : admin_(admin), topics_(std::move(topics)), findings_(findings) {}

  void consumed(const ConsumerConfig& consumer, const std::string& topic) {
    const auto check = "topic " + topic;
    const auto found = topics_.find(topic);
    if (found == topics_.end())
      return findings_.fail(check, "consumer " + consumer.name + " waits for it: it is not there",
                            "create it, or let this user see it (DESCRIBE)");
    const auto partitions = std::to_string(found->second) + " partitions";
    if (consumer.workers > found->second)
      return findings_.warn(check,
                            partitions + ", and consumer " + consumer.name + " has " +
                                std::to_string(consumer.workers) + " workers: some are idle",
                            "lower workers, or add partitions before keys matter");
    findings_.ok(check, partitions);
  }

  void dead_letters(const ConsumerConfig& consumer, const std::string& topic) {
    if (!consumer.dlq_topic) return;
    const auto dlq = dlq_topic_name(*consumer.dlq_topic, consumer.group, topic, consumer.name);
    const auto check = "DLQ topic " + dlq;
    if (!topics_.contains(dlq))
      return findings_.warn(check, "it is not there: dead letters stay rows until it is",
                            "create it with retention.ms=-1, or set dlq_topic: none");
    const auto kept = admin_.topic_config(dlq, "retention.ms");
    const auto stamped = admin_.topic_config(dlq, "message.timestamp.type");
    if (kept && *kept != "-1" && stamped.value_or("") != "LogAppendTime")
      return findings_.warn(
          check,
          "letters keep their records' timestamps, and go after retention.ms=" + *kept +
              " by those: the letter of an old record is gone as it arrives",
          "give it retention.ms=-1 or message.timestamp.type=LogAppendTime");
    findings_.ok(check, std::to_string(topics_.at(dlq)) + " partitions");
  }

  void reply(const std::string& topic) {
    const auto check = "reply topic " + topic;
    if (topics_.contains(topic))
      findings_.ok(check, std::to_string(topics_.at(topic)) + " partitions");
    else
      findings_.fail(check, "it is not there: replies wait in the outbox", "create it");
  }

 private:
  kafka::Admin& admin_;
  const std::map<std::string, int> topics_;
  Findings& findings_;
};

void examine_consumer(const ConsumerConfig& consumer, TopicExamination& examination,
                      Findings& findings) {
  for (const auto& topic : consumer.topics) {
    examination.consumed(consumer, topic);
    findings.attempt("DLQ topic of " + topic, "let this user describe the topic's configuration",
                     [&] { examination.dead_letters(consumer, topic); });
  }
  if (!consumer.replies) return;
  if (!consumer.replies->to.empty()) examination.reply(consumer.replies->to);
  for (const auto& topic : consumer.replies->allow) examination.reply(topic);
}

}  // namespace

bool examine_topics(const Config& config, const kafka::Settings& settings,
                    std::chrono::milliseconds patience, Findings& findings) {
  return findings.attempt(
      "brokers", "look at kafka: bootstrap.servers, security.protocol and the network", [&] {
        kafka::Admin admin(settings, patience);
        auto topics = admin.topics();
        findings.ok("brokers", std::to_string(topics.size()) + " topics to be seen");
        TopicExamination examination(admin, std::move(topics), findings);
        for (const auto& consumer : config.consumers)
          examine_consumer(consumer, examination, findings);
      });
}

}  // namespace kinbox::cli
