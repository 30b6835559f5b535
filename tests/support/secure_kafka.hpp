#pragma once

#include <map>
#include <string>

#include "support/services.hpp"

namespace kinbox::testing {

/// The listeners of the test broker that want more than a connection, and what opens them. All of
/// them lead to KafkaService's topics. `KINBOX_REQUIRE_SERVICE(SecureKafka)`.
class SecureKafka {
 public:
  using Settings = std::map<std::string, std::string>;

  /// Empty if the environment names them; else what to do about it.
  static std::string missing();
  /// Throws std::runtime_error if missing.
  static SecureKafka get();

  /// TLS, with a certificate of our own authority.
  Settings tls() const;
  /// TLS, with a certificate for another host.
  Settings misnamed() const;
  /// TLS for clients that have a certificate, whose key is behind a password.
  Settings mutual() const;
  /// User and password over TLS. `mechanism`: PLAIN, SCRAM-SHA-256, SCRAM-SHA-512.
  Settings sasl(const std::string& mechanism) const;

  /// A file of the directory that scripts/lib/kafka/certificates fills.
  std::string file(const std::string& name) const { return certificates_ + "/" + name; }
  const std::string& password() const { return password_; }
  /// Of the client's key.
  std::string key_password() const;

 private:
  std::string tls_;
  std::string misnamed_;
  std::string mutual_;
  std::string sasl_;
  std::string password_;
  std::string certificates_;
};

}  // namespace kinbox::testing
