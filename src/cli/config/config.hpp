#pragma once

#include <chrono>
#include <cstddef>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <variant>
#include <vector>

#include "kinbox/dispatcher.hpp"
#include "kinbox/email/sender.hpp"
#include "kinbox/email/smtp.hpp"
#include "kinbox/event_decoder.hpp"
#include "kinbox/observe/log.hpp"
#include "kinbox/outbox.hpp"
#include "kinbox/outbox_relay.hpp"
#include "kinbox/replies.hpp"
#include "kinbox/retention.hpp"
#include "kinbox/retry_policy.hpp"
#include "kinbox/worker.hpp"

namespace kinbox::cli {

struct KafkaConfig {
  /// Passed through to librdkafka.
  std::map<std::string, std::string> settings;
  /// Holds sasl.password, is read at each start, and wins over one in `settings`.
  std::optional<std::string> sasl_password_file;
  /// Keys among them that load code or run commands and may all the same.
  std::vector<std::string> allow_unsafe_settings;
};

struct SqliteConfig {
  /// Relative paths are relative to the configuration's folder: the same file is the same database
  /// wherever the command is started.
  std::string path;
};

enum class Migrate { kManual, kAuto };

struct PostgresConfig {
  std::string uri;
  std::string schema = "kinbox";
  /// Read at each start; wins over a password in `uri`.
  std::optional<std::string> password_file;
  Migrate migrate = Migrate::kManual;
  /// See postgres::Options.
  bool coalesce_inserts = true;
};

using DatabaseConfig = std::variant<SqliteConfig, PostgresConfig>;

/// A duration, or none.
using Bound = std::optional<std::chrono::milliseconds>;

struct HandlerConfig {
  std::string name;
  std::map<std::string, std::string> settings;
  /// Unless given, what the handler says of itself, else the consumer's.
  std::optional<Bound> timeout;
  /// nullopt: its consumer's.
  std::optional<OnError> on_error;
  /// "kinbox.yaml:12", for errors found when the handlers are known.
  std::string place;
};

struct ConsumerConfig {
  std::string name;
  /// As the name, unless given.
  std::string group;
  std::vector<std::string> topics;
  /// Topics with rules of their own.
  std::map<std::string, IdentityRules, std::less<>> identity;
  std::vector<HandlerConfig> handlers;
  OnError on_error;
  UnknownTypes unknown_types = UnknownTypes::kDeadLetter;
  IdConflict id_conflict = IdConflict::kDeadLetter;
  /// nullopt: no record is too old.
  std::optional<std::chrono::milliseconds> older_than;
  InitialPosition initial;
  int workers = 1;
  std::size_t max_batch = 500;
  std::size_t max_batch_bytes = std::size_t{16} << 20;
  std::chrono::milliseconds max_batch_wait{100};
  /// Derived from Kafka's timeouts unless given.
  std::optional<std::chrono::milliseconds> max_transaction_time;
  /// Of handlers that have none of their own. Derived from Kafka's poll interval unless given.
  std::optional<Bound> handler_timeout;
  /// How much longer a handler may stay away until the process is ended. Derived from its timeout
  /// unless given.
  std::optional<Bound> handler_grace;
  int max_crashes = 3;
  /// See kafka::SourceOptions. nullopt: partitions are not watched.
  std::optional<std::chrono::milliseconds> stalled_after = std::chrono::milliseconds{30'000};
  DlqBudgetOptions dlq_budget;
  /// nullopt: dead letters stay rows.
  std::optional<std::string> dlq_topic = "dlq.{group}.{topic}";
  /// nullopt: producers are told nothing.
  std::optional<ReplyOptions> replies;
  std::string place;
};

struct OutboxConfig {
  enum class Relay {
    /// `run` carries what is in the outbox to Kafka.
    kRun,
    /// Change data capture carries events; `run` carries dead letters.
    kCdc,
    /// Another process does.
    kNone,
  };

  Relay relay = Relay::kRun;
  /// nullopt: "/" and the consumer's name.
  std::optional<std::string> source;
  std::size_t max_event = OutboxOptions{}.max_bytes;
  /// Rows that were sent are deleted after it.
  std::chrono::milliseconds retention = RelayOptions{}.retention;
};

struct EmailConfig {
  enum class Way { kSmtp, kMaildir, kFile };

  Way way = Way::kSmtp;
  /// Of a maildir or of files; relative to the configuration's folder.
  std::string folder;
  email::SmtpSettings smtp;
  /// Read at each start; wins over a password in `smtp`.
  std::optional<std::string> password_file;
  email::Mailbox from;
  std::optional<email::Mailbox> reply_to;
  /// nullopt: those that come with the handlers.
  std::optional<std::string> templates;
  int senders = email::SenderOptions{}.threads;
  /// As it was written; nullopt: as many as the server takes.
  std::optional<std::string> rate;
  double rate_per_second = 0;
  email::OnUnknown on_unknown = email::SenderOptions{}.on_unknown;
  RetryPolicy retry = email::SenderOptions{}.retry;
};

struct DlqConfig {
  /// Whether `kinbox dlq edit` may change what a dead letter is tried with.
  bool edit = false;
};

struct RetentionConfig {
  /// Its outbox is OutboxConfig::retention.
  RetentionWindows windows;
  /// How much longer than its `retention.ms` a topic may keep a record. nullopt: its `segment.ms`.
  std::optional<std::chrono::milliseconds> margin;
  /// Whether `run` refuses to start with a window that is too short for a topic.
  bool strict = false;
  /// How often `run` prunes; nullopt: never.
  std::optional<std::chrono::milliseconds> every = std::chrono::hours{1};
  /// Whose windows may be too short for their topics: consumers, and "mail".
  std::vector<std::string> confirm;
};

struct LogConfig {
  observe::LogFormat format = observe::LogFormat::kAuto;
  observe::LogLevel level = observe::LogLevel::kInfo;
};

/// One configuration file with the environment worked in: everything is checked that can be
/// checked without the handlers, the database and Kafka.
struct Config {
  std::string file;
  KafkaConfig kafka;
  DatabaseConfig database;
  std::vector<ConsumerConfig> consumers;
  OutboxConfig outbox;
  /// nullopt: this process sends no e-mails.
  std::optional<EmailConfig> email;
  DlqConfig dlq;
  /// nullopt: nothing is pruned.
  std::optional<RetentionConfig> retention;
  LogConfig log;
  /// Paths ("log.level") that were given, and for those from a KINBOX_* variable its name.
  std::set<std::string> given;
  std::map<std::string, std::string> overridden;

  Backend backend() const noexcept {
    return std::holds_alternative<SqliteConfig>(database) ? Backend::kSqlite : Backend::kPostgres;
  }
};

}  // namespace kinbox::cli
