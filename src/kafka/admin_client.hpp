#pragma once

#include <chrono>
#include <string>

#include "kafka/handles.hpp"
#include "kafka/voice.hpp"
#include "kinbox/kafka/settings.hpp"

namespace kinbox::kafka {

/// Throws InfrastructureError if `code` says that nobody answered, ConfigurationError for any other
/// error. `text` may be null.
void check_answer(const std::string& what, rd_kafka_resp_err_t code, const char* text);

/// A client that asks brokers for what is no consumer's and no producer's business.
class AdminClient {
 public:
  AdminClient(const Settings& settings, std::chrono::milliseconds timeout);

  rd_kafka_t* client() const { return rk_.get(); }
  Voice& voice() noexcept { return voice_; }
  int timeout() const { return timeout_; }

  /// Sends a request by `send(options, queue)` and waits for its answer. Throws as check_answer.
  template <typename Send>
  EventHandle ask(const std::string& what, rd_kafka_admin_op_t operation, const Send& send) {
    const AdminOptionsHandle options(rd_kafka_AdminOptions_new(rk_.get(), operation));
    rd_kafka_AdminOptions_set_request_timeout(options.get(), timeout_, nullptr, 0);
    const QueueHandle queue(rd_kafka_queue_new(rk_.get()));
    send(options.get(), queue.get());
    return awaited(what, queue.get());
  }

  /// Like check_answer; for what comes from the client, not from a broker.
  void answered(const std::string& what, rd_kafka_resp_err_t code, const char* text);

 private:
  using AdminOptionsHandle =
      std::unique_ptr<rd_kafka_AdminOptions_t, Destroy<rd_kafka_AdminOptions_destroy>>;

  rd_kafka_t* start(const Settings& settings);
  EventHandle awaited(const std::string& what, rd_kafka_queue_t* queue);
  std::string trouble();

  Observer silent_;  // exceptions say it
  Voice voice_{silent_};
  int timeout_;
  ClientHandle rk_;
};

}  // namespace kinbox::kafka
