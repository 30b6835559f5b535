#include "kafka/voice.hpp"

#include <array>

#include "kafka/connection_trouble.hpp"

namespace kinbox::kafka {
namespace {

constexpr int kError = 3;
constexpr int kWarning = 4;
constexpr std::chrono::minutes kSilence{1};

std::string topic_of(const rd_kafka_message_t& message) {
  return message.rkt == nullptr ? std::string() : rd_kafka_topic_name(message.rkt);
}

}  // namespace

void Voice::say(int severity, std::string text) {
  observer_.on_notice(notice::SourceMessage{severity, std::move(text)});
}

void Voice::log(int level, std::string_view facility, std::string_view text) {
  if (facility == "FAIL") return;  // comes as an error as well
  if (facility == kCertificate && !certificate_reason(text).empty()) {
    certificate_ = certificate_reason(text);  // the error is about to come
    return;
  }
  // Consumers and producers share the settings. 2.0.2 does not know `log.configuration.warnings`.
  if (text.find("will be ignored by this") != std::string_view::npos) return;
  say(level, std::string(facility) + ": " + std::string(text));
}

void Voice::error(rd_kafka_t* rk, rd_kafka_resp_err_t code, const char* reason) {
  if (code == RD_KAFKA_RESP_ERR__FATAL) {
    std::array<char, 512> cause{};
    rd_kafka_fatal_error(rk, cause.data(), cause.size());
    return say(kError, cause.data());
  }
  const bool hopeless = code == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN ||
                        code == RD_KAFKA_RESP_ERR__AUTHENTICATION || code == RD_KAFKA_RESP_ERR__SSL;
  const auto text = explain(reason);
  // That all are down says nothing about why.
  if (code != RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN) {
    last_trouble_ = text;
    trouble_at_ = std::chrono::steady_clock::now();
  }
  say(hopeless ? kError : kWarning, text);
}

std::string Voice::last_trouble() const {
  const bool stale = std::chrono::steady_clock::now() - trouble_at_ > kSilence;
  return last_trouble_.empty() || stale ? std::string() : ": " + last_trouble_;
}

std::string Voice::explain(std::string_view reason) const {
  // librdkafka sends everybody to ssl.ca.location.
  if (!certificate_.empty() && reason.find("certificate verify failed") != reason.npos)
    return std::string(endpoint_of(reason)) + certificate_;
  return explain_connection_error(reason, rd_kafka_version());
}

void Voice::consumer_error(const rd_kafka_message_t& message) {
  const auto topic = topic_of(message);
  if (said_lately(topic, message.err)) return;
  say(kError, topic_error_text(topic, message.err, rd_kafka_message_errstr(&message)));
}

void Voice::unreadable(const rd_kafka_message_t& message, Offset next) {
  const auto partition = topic_of(message) + '/' + std::to_string(message.partition);
  if (said_lately(partition, message.err)) return;
  say(kError, partition + ": records from offset " + std::to_string(next) + " on cannot be read: " +
                  unreadable_text(message.err, rd_kafka_message_errstr(&message)));
}

bool Voice::said_lately(const std::string& topic, rd_kafka_resp_err_t code) {
  const auto now = std::chrono::steady_clock::now();
  const auto [entry, first] = last_said_.try_emplace({topic, code}, now);
  if (first) return false;
  if (now - entry->second < kSilence) return true;
  entry->second = now;
  return false;
}

std::string unreadable_text(rd_kafka_resp_err_t code, const std::string& library_text) {
  auto text = library_text + "; nothing is passed over, they are tried again; ";
  if (code != RD_KAFKA_RESP_ERR__NOT_IMPLEMENTED)
    return text +
           "if that does not help, another replica may hold them whole; docs/operating.md says how "
           "to go on";
  constexpr std::array kCodecs{"none", "gzip", "snappy", "lz4", "zstd"};
  for (std::size_t codec = 0; codec < kCodecs.size(); ++codec)
    if (library_text.find("codec 0x" + std::to_string(codec) + ')') != std::string::npos)
      return text + "librdkafka " + rd_kafka_version_str() + " is built without " + kCodecs[codec] +
             " here: use one that has it, as Debian's";
  return text + "a newer librdkafka than " + rd_kafka_version_str() + " may know their format";
}

std::string topic_error_text(const std::string& topic, rd_kafka_resp_err_t code,
                             const std::string& library_text) {
  switch (code) {
    case RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART:
    case RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC:
    case RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION:
      return "topic \"" + topic +
             "\" does not exist on this cluster; create it or correct its name";
    case RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED:
      return "topic \"" + topic +
             "\": this user may not use it; grant it READ (consumers) or WRITE (dead letters)";
    case RD_KAFKA_RESP_ERR__UNSUPPORTED_FEATURE:
      return library_text + "; kinbox needs Kafka 0.11 or later";
    default:
      return topic.empty() ? library_text : "topic \"" + topic + "\": " + library_text;
  }
}

}  // namespace kinbox::kafka
