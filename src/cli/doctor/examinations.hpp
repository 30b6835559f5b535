#pragma once

#include <chrono>
#include <cstdint>
#include <span>
#include <string>

#include "cli/config/config.hpp"
#include "cli/doctor/findings.hpp"
#include "cli/retention/short_windows.hpp"
#include "kinbox/database.hpp"
#include "kinbox/handler.hpp"
#include "kinbox/kafka/settings.hpp"

// The checks of `kinbox doctor`, one file per family. None throws for what it finds.
namespace kinbox::cli {

/// What the configuration says about consumers, handlers and their times fits together.
void examine_configuration(const Config& config, std::span<const HandlerSpec> handlers,
                           Findings& findings);

/// Files that hold secrets can be read, by nobody but their owner and its group.
void examine_secrets(const Config& config, Findings& findings);

/// The client library is new enough, and built with what the settings need. `version` and
/// `features` are those of kafka::library_version and kafka::library_features.
void examine_library(const Config& config, const std::string& version,
                     std::span<const std::string> features, Findings& findings);

/// Brokers answer; topics of consumers, dead letters and replies are there. False: no broker
/// answered, and nothing else can be asked there.
bool examine_topics(const Config& config, const kafka::Settings& settings,
                    std::chrono::milliseconds patience, Findings& findings);

/// Who is in the consumers' groups, beside the workers that `database` knows. Null: unknown.
void examine_groups(const Config& config, const kafka::Settings& settings,
                    std::chrono::milliseconds patience, Database* database, Findings& findings);

/// Whether the last `sample` records of each topic are events to its consumer.
void examine_records(const Config& config, std::span<const HandlerSpec> handlers,
                     const kafka::Settings& settings, std::chrono::milliseconds patience,
                     std::int64_t sample, Findings& findings);

/// Whether inbox and e-mails are remembered for as long as topics may deliver again. Null: unknown.
void examine_retention(const Config& config, Database* database, const AskTopic& ask,
                       Findings& findings);

/// The database answers, its schema is current, its settings keep the promise, its clock is ours.
/// False: it does not answer, or its tables are not this binary's.
bool examine_database(const Config& config, std::span<const HandlerSpec> handlers,
                      Database& database, Findings& findings);

/// Room for the file of a SQLite database. `free` of `total` bytes.
void judge_space(const std::string& path, std::uint64_t free, std::uint64_t total,
                 Findings& findings);

/// How far the database's clock is ahead of this machine's.
void judge_clock(std::chrono::milliseconds ahead, Findings& findings);

/// The mail server takes a connection, TLS and the login; or the folder takes files.
void examine_mail(const EmailConfig& config, Findings& findings);

}  // namespace kinbox::cli
