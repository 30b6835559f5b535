#pragma once

#include "cli/config/config.hpp"
#include "cli/config/node.hpp"

namespace kinbox::cli {

// One reader per section of the file. What is wrong is noted in the node's Reading.
KafkaConfig read_kafka(const ConfigNode& node);
DatabaseConfig read_database(const ConfigNode& node);
std::vector<ConsumerConfig> read_consumers(const ConfigNode& node);
IdentityRules read_identity(const ConfigNode& node);
/// `consumed`: the topics of the consumer whose replies these are.
ReplyOptions read_replies(const ConfigNode& node, const std::vector<std::string>& consumed);
OutboxConfig read_outbox(const ConfigNode& node, Backend backend);
EmailConfig read_email(const ConfigNode& node);
DlqConfig read_dlq(const ConfigNode& node);
RetentionConfig read_retention(const ConfigNode& node,
                               const std::vector<ConsumerConfig>& consumers);
LogConfig read_log(const ConfigNode& node);

/// `retry: {max_attempts, first_delay, max_delay, max_elapsed}`.
void read_retry(ConfigMap& map, RetryPolicy& retry);
/// `on_error`. What is not given stays as `on_error` has it.
void read_on_error(const ConfigNode& node, OnError& on_error);

/// Where `email` sends to, as it is written: `smtp://mail.example.com:587`,
/// `maildir:/var/mail/out`.
std::string transport_text(const EmailConfig& email);

/// The words of the file for values of the core, for reading and for showing.
namespace words {
const std::vector<std::pair<std::string, Then>>& then();
const std::vector<std::pair<std::string, WhenFull>>& when_full();
const std::vector<std::pair<std::string, ErrorClass>>& error_class();
const std::vector<std::pair<std::string, UnknownTypes>>& unknown_types();
const std::vector<std::pair<std::string, IdConflict>>& id_conflict();
const std::vector<std::pair<std::string, IdScope>>& id_scope();
const std::vector<std::pair<std::string, Migrate>>& migrate();
const std::vector<std::pair<std::string, OutboxConfig::Relay>>& relay();
const std::vector<std::pair<std::string, email::Security>>& security();
const std::vector<std::pair<std::string, email::OnUnknown>>& on_unknown();
const std::vector<std::pair<std::string, observe::LogFormat>>& log_format();
const std::vector<std::pair<std::string, observe::LogLevel>>& log_level();
}  // namespace words

}  // namespace kinbox::cli
