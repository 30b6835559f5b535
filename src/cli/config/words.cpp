#include "cli/config/sections.hpp"

namespace kinbox::cli::words {

const std::vector<std::pair<std::string, Then>>& then() {
  static const std::vector<std::pair<std::string, Then>> words{{"dead_letter", Then::kDeadLetter},
                                                               {"halt", Then::kHalt},
                                                               {"skip", Then::kSkip},
                                                               {"park", Then::kPark},
                                                               {"failover", Then::kFailOver}};
  return words;
}

const std::vector<std::pair<std::string, WhenFull>>& when_full() {
  static const std::vector<std::pair<std::string, WhenFull>> words{
      {"halt", WhenFull::kHalt}, {"dead_letter", WhenFull::kDeadLetter}};
  return words;
}

const std::vector<std::pair<std::string, ErrorClass>>& error_class() {
  static const std::vector<std::pair<std::string, ErrorClass>> words{
      {"permanent", ErrorClass::kPermanent},
      {"rejection", ErrorClass::kRejection},
      {"retryable", ErrorClass::kRetryable},
      {"timeout", ErrorClass::kTimeout},
      {"sql", ErrorClass::kSql},
      {"kills_transaction", ErrorClass::kKillsTransaction},
      {"other", ErrorClass::kOther}};
  return words;
}

const std::vector<std::pair<std::string, UnknownTypes>>& unknown_types() {
  static const std::vector<std::pair<std::string, UnknownTypes>> words{
      {"dead_letter", UnknownTypes::kDeadLetter}, {"skip", UnknownTypes::kSkip}};
  return words;
}

const std::vector<std::pair<std::string, IdConflict>>& id_conflict() {
  static const std::vector<std::pair<std::string, IdConflict>> words{
      {"dead_letter", IdConflict::kDeadLetter}, {"report", IdConflict::kReport}};
  return words;
}

const std::vector<std::pair<std::string, IdScope>>& id_scope() {
  static const std::vector<std::pair<std::string, IdScope>> words{
      {"global", IdScope::kGlobal}, {"source", IdScope::kSource}, {"topic", IdScope::kTopic}};
  return words;
}

const std::vector<std::pair<std::string, Migrate>>& migrate() {
  static const std::vector<std::pair<std::string, Migrate>> words{{"manual", Migrate::kManual},
                                                                  {"auto", Migrate::kAuto}};
  return words;
}

const std::vector<std::pair<std::string, OutboxConfig::Relay>>& relay() {
  using Relay = OutboxConfig::Relay;
  static const std::vector<std::pair<std::string, Relay>> words{
      {"run", Relay::kRun}, {"cdc", Relay::kCdc}, {"none", Relay::kNone}};
  return words;
}

const std::vector<std::pair<std::string, email::Security>>& security() {
  using email::Security;
  static const std::vector<std::pair<std::string, Security>> words{
      {"starttls", Security::kStartTls}, {"tls", Security::kTls}, {"none", Security::kNone}};
  return words;
}

const std::vector<std::pair<std::string, email::OnUnknown>>& on_unknown() {
  using email::OnUnknown;
  static const std::vector<std::pair<std::string, OnUnknown>> words{{"resend", OnUnknown::kResend},
                                                                    {"hold", OnUnknown::kHold}};
  return words;
}

const std::vector<std::pair<std::string, observe::LogFormat>>& log_format() {
  static const std::vector<std::pair<std::string, observe::LogFormat>> words{
      {"auto", observe::LogFormat::kAuto},
      {"human", observe::LogFormat::kHuman},
      {"json", observe::LogFormat::kJson}};
  return words;
}

const std::vector<std::pair<std::string, observe::LogLevel>>& log_level() {
  static const std::vector<std::pair<std::string, observe::LogLevel>> words{
      {"debug", observe::LogLevel::kDebug},
      {"info", observe::LogLevel::kInfo},
      {"warning", observe::LogLevel::kWarning},
      {"error", observe::LogLevel::kError}};
  return words;
}

}  // namespace kinbox::cli::words
