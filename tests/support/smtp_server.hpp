#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "support/child_process.hpp"
#include "support/temporary_directory.hpp"

namespace kinbox::testing {

/// An SMTP server of this test's own (tests/programs/smtp_server.py, by aiosmtpd), which ends with
/// it. What becomes of a mail is in its recipient: see the program.
/// `KINBOX_REQUIRE_SERVICE(SmtpServer)`.
class SmtpServer {
 public:
  enum class Tls { kNone, kStartTls, kImplicit };

  struct Options {
    Tls tls = Tls::kNone;
    /// Key and certificate: a file of certificates().
    std::string certificate = {};
    /// USER:PASSWORD that it wants.
    std::string login = {};
  };

  /// Empty if it can be started; else what to do about it.
  static std::string missing();

  /// A folder with what scripts/lib/kafka/certificates makes, made once per process: ca.pem,
  /// another-ca.pem, broker.pem (for localhost and 127.0.0.1), misnamed.pem.
  static std::string certificates();

  SmtpServer() : SmtpServer(Options()) {}
  explicit SmtpServer(const Options& options);

  std::uint16_t port() const { return port_; }
  pid_t pid() const { return process_.pid(); }
  /// Opened so far.
  int connections() const { return count("connection"); }
  int mails() const { return count("mail "); }
  /// The n-th mail, from 1: as it arrived, and as Python's email package reads it (JSON).
  std::string mail(int n) const { return file(n, ".eml"); }
  std::string readable(int n) const { return file(n, ".json"); }

  /// Resets all connections; with a last word (421) if told so.
  void close_connections(bool with_goodbye = false);
  void signal(int number) { process_.signal(number); }

 private:
  int count(const std::string& event) const;
  std::string file(int n, const char* kind) const;

  TemporaryDirectory folder_;
  ChildProcess process_;
  std::uint16_t port_ = 0;
};

}  // namespace kinbox::testing
