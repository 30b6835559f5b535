#include "kafka/admin_client.hpp"

#include <utility>

#include "kafka/client_config.hpp"
#include "kinbox/errors.hpp"

namespace kinbox::kafka {
namespace {

bool is_absence(rd_kafka_resp_err_t code) {
  return code == RD_KAFKA_RESP_ERR__TIMED_OUT || code == RD_KAFKA_RESP_ERR__TRANSPORT ||
         code == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN || code == RD_KAFKA_RESP_ERR_REQUEST_TIMED_OUT;
}

}  // namespace

void check_answer(const std::string& what, rd_kafka_resp_err_t code, const char* text) {
  if (code == RD_KAFKA_RESP_ERR_NO_ERROR) return;
  const auto message = what + ": " + (text != nullptr ? text : rd_kafka_err2str(code));
  if (is_absence(code)) throw InfrastructureError(message);
  throw ConfigurationError(message);
}

AdminClient::AdminClient(const Settings& settings, std::chrono::milliseconds timeout)
    : timeout_(static_cast<int>(timeout.count())), rk_(start(settings)) {}

void AdminClient::answered(const std::string& what, rd_kafka_resp_err_t code, const char* text) {
  if (is_absence(code))
    throw InfrastructureError(what + ": " + (text != nullptr ? text : rd_kafka_err2str(code)) +
                              trouble());
  check_answer(what, code, text);
}

rd_kafka_t* AdminClient::start(const Settings& settings) {
  auto conf = admin_conf(settings);
  rd_kafka_conf_set_opaque(conf.get(), this);
  route_messages<AdminClient>(conf.get());
  auto* rk = start_client(RD_KAFKA_PRODUCER, std::move(conf));
  rd_kafka_set_log_queue(rk, nullptr);
  return rk;
}

EventHandle AdminClient::awaited(const std::string& what, rd_kafka_queue_t* queue) {
  EventHandle event(rd_kafka_queue_poll(queue, timeout_ + 1'000));
  if (!event) throw InfrastructureError(what + ": no broker answered in time" + trouble());
  answered(what, rd_kafka_event_error(event.get()), rd_kafka_event_error_string(event.get()));
  return event;
}

std::string AdminClient::trouble() {
  rd_kafka_poll(rk_.get(), 0);
  const auto said = voice_.last_trouble();
  // Newer versions keep some reasons to their log.
  return said.empty() ? "; check security.protocol and bootstrap.servers" : said;
}

}  // namespace kinbox::kafka
