#include "cli/retention/topic_retention.hpp"

#include <charconv>
#include <cstdint>
#include <map>
#include <memory>

#include "kinbox/errors.hpp"
#include "kinbox/kafka/admin.hpp"

namespace kinbox::cli {
namespace {

using std::chrono::milliseconds;

/// The brokers, with what they have answered.
class Brokers {
 public:
  Brokers(const kafka::Settings& settings, milliseconds patience) : admin_(settings, patience) {}

  std::optional<TopicRetention> ask(const std::string& topic) {
    const auto known = answers_.find(topic);
    if (known != answers_.end()) return known->second;
    return answers_.emplace(topic, ask_anew(topic)).first->second;
  }

 private:
  std::optional<TopicRetention> ask_anew(const std::string& topic) {
    if (!admin_.topic_exists(topic)) return std::nullopt;
    TopicRetention retention;
    if (const auto time = number(topic, "retention.ms"); time >= 0) retention.time.emplace(time);
    retention.segment = milliseconds{number(topic, "segment.ms")};
    // "compact,delete" deletes by time, too.
    retention.compacted = admin_.topic_config(topic, "cleanup.policy") == "compact";
    return retention;
  }

  std::int64_t number(const std::string& topic, const std::string& key) {
    const auto text = admin_.topic_config(topic, key).value_or("");
    std::int64_t value = 0;
    const auto* const end = text.data() + text.size();
    const auto [rest, error] = std::from_chars(text.data(), end, value);
    if (error != std::errc{} || rest != end)
      throw ConfigurationError("topic " + topic + ": the broker says that its " + key + " is \"" +
                               text + '"');
    return value;
  }

  kafka::Admin admin_;
  std::map<std::string, std::optional<TopicRetention>> answers_;
};

}  // namespace

AskTopic ask_brokers(const kafka::Settings& settings, milliseconds patience) {
  return
      [settings, patience, brokers = std::shared_ptr<Brokers>()](const std::string& topic) mutable {
        if (!brokers) brokers = std::make_shared<Brokers>(settings, patience);
        return brokers->ask(topic);
      };
}

}  // namespace kinbox::cli
