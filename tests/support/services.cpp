#include "support/services.hpp"

#include <charconv>
#include <chrono>
#include <cstdlib>
#include <stdexcept>
#include <string_view>
#include <utility>

#include "support/child_process.hpp"

namespace kinbox::testing {
namespace {

std::string variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

std::string required_variable(const char* name) {
  std::string value = variable(name);
  if (value.empty()) throw std::runtime_error(std::string(name) + " is not set: run scripts/test");
  return value;
}

std::uint16_t to_port(std::string_view text) {
  std::uint16_t port = 0;
  const auto end = text.data() + text.size();
  const auto [parsed, error] = std::from_chars(text.data(), end, port);
  if (error != std::errc() || parsed != end) {
    throw std::runtime_error("not a port: " + std::string(text));
  }
  return port;
}

std::string missing_unless(const char* name, std::string_view server) {
  if (!variable(name).empty()) return "";
  return std::string(name) + " is not set, so there is no " + std::string(server) +
         " for this test: run scripts/test, or eval \"$(scripts/services env)\" after "
         "scripts/services start";
}

void run_services_script(const std::string& verb, const std::string& service) {
  const std::string directory = required_variable("KINBOX_TEST_SERVICES_DIR");
  ChildProcess script(
      {KINBOX_SOURCE_DIR "/scripts/services", verb, service, "--quiet", "--dir", directory});
  const auto status = script.wait_for(std::chrono::minutes(2));
  if (status && status->code == 0) return;
  throw std::runtime_error("scripts/services " + verb + " " + service + ": " +
                           (status ? to_string(*status) : "no end") + "\n" +
                           script.output(ChildProcess::Stream::kErr));
}

/// Where the port stands in "scheme://user@host:port/database".
std::pair<std::size_t, std::size_t> port_range(std::string_view uri) {
  const auto begin = uri.rfind(':') + 1;
  const auto end = uri.find('/', begin);
  return {begin, (end == std::string_view::npos ? uri.size() : end) - begin};
}

}  // namespace

Outage::Outage(std::string service, std::string begin_verb, std::string end_verb)
    : service_(std::move(service)), end_verb_(std::move(end_verb)) {
  run_services_script(begin_verb, service_);
}

Outage::~Outage() {
  try {
    end();
  } catch (const std::exception& error) {
    ADD_FAILURE() << error.what();
  }
}

void Outage::end() {
  if (std::exchange(over_, true)) return;
  run_services_script(end_verb_, service_);
}

std::string KafkaService::missing() {
  return missing_unless("KINBOX_TEST_BROKERS", "Kafka broker");
}

KafkaService KafkaService::get() {
  KafkaService kafka;
  kafka.brokers_ = required_variable("KINBOX_TEST_BROKERS");
  kafka.cluster_id_ = required_variable("KINBOX_TEST_KAFKA_CLUSTER_ID");
  kafka.proxy_port_ = to_port(required_variable("KINBOX_TEST_KAFKA_PROXY_LISTEN"));
  kafka.proxy_upstream_ = to_port(required_variable("KINBOX_TEST_KAFKA_PROXY_UPSTREAM"));
  return kafka;
}

std::string PostgresService::missing() {
  return missing_unless("KINBOX_TEST_POSTGRES", "PostgreSQL server");
}

PostgresService PostgresService::get() {
  PostgresService postgres;
  postgres.uri_ = required_variable("KINBOX_TEST_POSTGRES");
  postgres.uri_with_password_ = required_variable("KINBOX_TEST_POSTGRES_WITH_PASSWORD");
  return postgres;
}

std::string PostgresService::uri_with_wrong_password() const {
  static constexpr std::string_view kRight = ":right@";
  std::string uri = uri_with_password_;
  return uri.replace(uri.find(kRight), kRight.size(), ":wrong@");
}

std::uint16_t PostgresService::port() const {
  const auto [begin, size] = port_range(uri_);
  return to_port(std::string_view(uri_).substr(begin, size));
}

std::string PostgresService::uri_at_port(std::uint16_t port) const {
  const auto [begin, size] = port_range(uri_);
  std::string uri = uri_;
  return uri.replace(begin, size, std::to_string(port));
}

bool in_continuous_integration() {
  const std::string ci = variable("CI");
  return !ci.empty() && ci != "false" && ci != "0";
}

}  // namespace kinbox::testing
