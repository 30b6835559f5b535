#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "cli/config/config.hpp"
#include "cli/config/environment.hpp"
#include "cli/demo/services.hpp"
#include "kinbox/kafka/mock_cluster.hpp"
#include "kinbox/kafka/settings.hpp"

namespace kinbox::cli {

struct DemoOptions {
  /// bootstrap.servers; empty: librdkafka's mock cluster, inside this process.
  std::string brokers;
  /// sqlite:PATH or postgresql://...; empty: a SQLite file in `directory`.
  std::string database;
  /// Where configuration, log and database file go; empty: a new one under $TMPDIR.
  std::string directory;
  /// Do not ask before touching real services.
  bool yes = false;
};

/// What the demonstration stands on, all under names that nobody used before: a broker with the
/// topics, a migrated database with buyers, a folder with the configuration.
class DemoStage {
 public:
  static constexpr int kPartitions = 3;

  /// `run` is part of every name. Throws ConfigurationError, InfrastructureError.
  DemoStage(const DemoOptions& options, const std::string& run, const Environment& environment);

  const Config& config() const noexcept { return *config_; }
  const std::string& topic() const noexcept { return topic_; }
  const std::string& dlq_topic() const noexcept { return dlq_topic_; }
  const ServiceTopics& service_topics() const noexcept { return service_topics_; }
  /// What stays behind on a real broker.
  std::vector<std::string> topics() const;
  const std::string& group() const noexcept { return group_; }
  const std::string& config_file() const noexcept { return config_file_; }
  /// The same without the consumer whose handler only the demonstration has: for kinbox's commands.
  std::string services_file() const { return directory_ + "/services.yaml"; }
  std::string log_file() const { return directory_ + "/consumer.log"; }
  /// Where the shop's mails go: a file for each.
  std::string mail_folder() const;
  bool has_mock() const noexcept { return mock_.has_value(); }

  /// Creates topics, tables and buyers, for orders 1 to `buyers`.
  void set_up(int buyers);

 private:
  void write_config(const DemoOptions& options, const std::string& run) const;
  std::string config_text(const DemoOptions& options, const std::string& run,
                          const std::string& consumers) const;
  void create_topics();

  std::string directory_;
  std::string topic_;
  std::string group_;
  std::string dlq_topic_;
  ServiceTopics service_topics_;
  std::string config_file_;
  std::optional<kafka::MockCluster> mock_;
  std::optional<Config> config_;
};

/// `text` as a YAML scalar that means just that, whatever it holds.
std::string yaml_quoted(const std::string& text);

}  // namespace kinbox::cli
