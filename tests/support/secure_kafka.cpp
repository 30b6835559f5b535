#include "support/secure_kafka.hpp"

#include <cstdlib>
#include <fstream>
#include <stdexcept>

namespace kinbox::testing {
namespace {

std::string variable(const char* name) {
  const char* value = std::getenv(name);
  if (value == nullptr) throw std::runtime_error(std::string(name) + " is not set");
  return value;
}

}  // namespace

std::string SecureKafka::missing() {
  if (std::getenv("KINBOX_TEST_KAFKA_CERTIFICATES") != nullptr) return "";
  return "KINBOX_TEST_KAFKA_CERTIFICATES is not set, so there is no broker with certificates for "
         "this test: run scripts/test, or scripts/services restart if the broker is an older one's";
}

SecureKafka SecureKafka::get() {
  SecureKafka kafka;
  kafka.tls_ = variable("KINBOX_TEST_KAFKA_TLS");
  kafka.misnamed_ = variable("KINBOX_TEST_KAFKA_MISNAMED");
  kafka.mutual_ = variable("KINBOX_TEST_KAFKA_MUTUAL");
  kafka.sasl_ = variable("KINBOX_TEST_KAFKA_SASL");
  kafka.password_ = variable("KINBOX_TEST_KAFKA_PASSWORD");
  kafka.certificates_ = variable("KINBOX_TEST_KAFKA_CERTIFICATES");
  return kafka;
}

SecureKafka::Settings SecureKafka::tls() const {
  return {{"bootstrap.servers", tls_},
          {"security.protocol", "SSL"},
          {"ssl.ca.location", file("ca.pem")}};
}

SecureKafka::Settings SecureKafka::misnamed() const {
  auto settings = tls();
  settings["bootstrap.servers"] = misnamed_;
  return settings;
}

SecureKafka::Settings SecureKafka::mutual() const {
  auto settings = tls();
  settings["bootstrap.servers"] = mutual_;
  settings["ssl.certificate.location"] = file("client.pem");
  settings["ssl.key.location"] = file("client.key");
  settings["ssl.key.password"] = key_password();
  return settings;
}

SecureKafka::Settings SecureKafka::sasl(const std::string& mechanism) const {
  return {{"bootstrap.servers", sasl_},        {"security.protocol", "SASL_SSL"},
          {"ssl.ca.location", file("ca.pem")}, {"sasl.mechanism", mechanism},
          {"sasl.username", "kinbox"},         {"sasl.password", password_}};
}

std::string SecureKafka::key_password() const {
  std::string password;
  std::getline(std::ifstream(file("client.password")), password);
  return password;
}

}  // namespace kinbox::testing
