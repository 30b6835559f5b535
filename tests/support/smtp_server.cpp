#include "support/smtp_server.hpp"

#include <chrono>
#include <fstream>
#include <sstream>
#include <stdexcept>

namespace kinbox::testing {
namespace {

using namespace std::chrono_literals;

// aiosmtpd is Debian's, so it belongs to Debian's Python.
constexpr const char* kPython = "/usr/bin/python3";

std::vector<std::string> command(const SmtpServer::Options& options, const std::string& folder) {
  std::vector<std::string> words{kPython, KINBOX_SOURCE_DIR "/tests/programs/smtp_server.py",
                                 folder};
  if (options.tls == SmtpServer::Tls::kStartTls) words.emplace_back("--starttls");
  if (options.tls == SmtpServer::Tls::kImplicit) words.emplace_back("--tls");
  if (!options.certificate.empty())
    words.insert(words.end(),
                 {"--certificate", SmtpServer::certificates() + "/" + options.certificate});
  if (!options.login.empty()) words.insert(words.end(), {"--login", options.login});
  return words;
}

bool runs(const std::vector<std::string>& words) {
  ChildProcess process(words);
  return process.wait_for(60s) == ExitStatus{.code = 0, .signal = {}};
}

}  // namespace

std::string SmtpServer::missing() {
  static const bool there = runs({kPython, "-c", "import aiosmtpd"});
  return there ? "" : "Python has no aiosmtpd: run scripts/install-dependencies test";
}

std::string SmtpServer::certificates() {
  static const TemporaryDirectory folder;
  static const bool made = runs(
      {"/bin/bash", KINBOX_SOURCE_DIR "/scripts/lib/kafka/certificates", folder.path().string()});
  if (!made) throw std::runtime_error("scripts/lib/kafka/certificates failed");
  return folder.path().string();
}

SmtpServer::SmtpServer(const Options& options) : process_(command(options, folder_.path())) {
  const auto line = process_.wait_for_line("listening ", 60s);
  if (!line)
    throw std::runtime_error("smtp_server.py did not start: " +
                             process_.output(ChildProcess::Stream::kErr));
  port_ = static_cast<std::uint16_t>(std::stoi(line->substr(line->find(' '))));
}

void SmtpServer::close_connections(bool with_goodbye) {
  process_.send(with_goodbye ? "goodbye\n" : "close\n");
  if (!process_.wait_for_line("done", 60s)) throw std::runtime_error("smtp_server.py is gone");
}

int SmtpServer::count(const std::string& event) const {
  std::ifstream lines(folder_.path() / "events");
  int count = 0;
  for (std::string line; std::getline(lines, line);) count += line.starts_with(event) ? 1 : 0;
  return count;
}

std::string SmtpServer::file(int n, const char* kind) const {
  std::ostringstream text;
  text << std::ifstream(folder_.path() / (std::to_string(n) + kind), std::ios::binary).rdbuf();
  return text.str();
}

}  // namespace kinbox::testing
