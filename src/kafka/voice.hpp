#pragma once

#include <librdkafka/rdkafka.h>

#include <chrono>
#include <map>
#include <string>
#include <string_view>
#include <utility>

#include "kinbox/observer.hpp"

namespace kinbox::kafka {

/// Turns what librdkafka says into notices.
class Voice {
 public:
  explicit Voice(Observer& observer) : observer_(observer) {}

  /// `severity` as in syslog(3).
  void say(int severity, std::string text);
  void log(int level, std::string_view facility, std::string_view text);
  void error(rd_kafka_t* rk, rd_kafka_resp_err_t code, const char* reason);

  /// Why a connection failed within the last minute, with the setting to look at, as ": text";
  /// empty if none did.
  std::string last_trouble() const;

  /// An error that the consumer's poll brought. The same one is said once a minute.
  void consumer_error(const rd_kafka_message_t& message);
  /// Records that are there and cannot be read, from `next` on. Said once a minute as well.
  void unreadable(const rd_kafka_message_t& message, Offset next);

 private:
  std::string explain(std::string_view reason) const;
  bool said_lately(const std::string& topic, rd_kafka_resp_err_t code);

  Observer& observer_;
  /// Why the last certificate was not trusted.
  std::string certificate_;
  std::string last_trouble_;
  std::chrono::steady_clock::time_point trouble_at_;
  std::map<std::pair<std::string, rd_kafka_resp_err_t>, std::chrono::steady_clock::time_point>
      last_said_;
};

/// Why records cannot be read and what to do about it. `library_text` may name a codec by its
/// number.
std::string unreadable_text(rd_kafka_resp_err_t code, const std::string& library_text);

/// What a topic's error means and what to do about it.
std::string topic_error_text(const std::string& topic, rd_kafka_resp_err_t code,
                             const std::string& library_text);

}  // namespace kinbox::kafka
