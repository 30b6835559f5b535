#include "cli/demo/stage.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <system_error>

#include "cli/config/kafka_settings.hpp"
#include "cli/config/load.hpp"
#include "cli/consumer_spec.hpp"
#include "cli/database.hpp"
#include "cli/demo/naive_handler.hpp"
#include "cli/demo/order_events.hpp"
#include "kinbox/errors.hpp"
#include "kinbox/kafka/admin.hpp"
#include "kinbox/migrations.hpp"

namespace kinbox::cli {
namespace {

[[noreturn]] void throw_errno(const std::string& what) {
  throw std::system_error(errno, std::generic_category(), what);
}

/// Beside the configuration.
constexpr const char* kMails = "mails";

std::string make_directory(const std::string& wanted, const Environment& environment) {
  if (!wanted.empty()) {
    std::filesystem::create_directories(wanted);
    return std::filesystem::absolute(wanted).string();
  }
  const auto tmpdir = environment.find("TMPDIR");
  const std::string parent =
      tmpdir == environment.end() || tmpdir->second.empty() ? "/tmp" : tmpdir->second;
  auto name = parent + "/kinbox-demo-XXXXXX";
  if (mkdtemp(name.data()) == nullptr) throw_errno(name);
  return name;
}

/// For its owner's eyes only: a database URL may hold a password.
void write_private_file(const std::string& path, const std::string& text) {
  const int fd = open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (fd < 0) throw_errno(path);
  const auto written = write(fd, text.data(), text.size());
  close(fd);
  if (written != static_cast<ssize_t>(text.size())) throw_errno(path);
}

std::string new_sqlite_file(const std::string& path) {
  if (std::filesystem::exists(path))
    throw ConfigurationError("--database: " + path + " exists; name a file that does not");
  return std::filesystem::absolute(path).string();
}

std::string database_lines(const DemoOptions& options, const std::string& run) {
  if (options.database.empty()) return "  sqlite: kinbox.db\n";
  if (options.database.starts_with("sqlite:"))
    return "  sqlite: " + yaml_quoted(new_sqlite_file(options.database.substr(7))) + "\n";
  if (options.database.starts_with("postgres"))
    return "  postgres: " + yaml_quoted(options.database) + "\n  schema: kinbox_demo_" + run +
           "\n  migrate: auto\n";
  throw ConfigurationError("--database should be sqlite:PATH or postgresql://USER@HOST/NAME");
}

// A short session, so that a killed consumer is noticed while somebody watches: 3.5 s on the mock
// cluster, which needs more than three; 6 s is what real brokers allow unless told otherwise.
std::string kafka_lines(const std::string& brokers, bool mock) {
  return "  bootstrap.servers: " + yaml_quoted(brokers) +
         "\n  session.timeout.ms: " + (mock ? "3500" : "6000") +
         "\n  heartbeat.interval.ms: " + (mock ? "100" : "1000") + "\n  fetch.wait.max.ms: 20\n";
}

}  // namespace

std::string yaml_quoted(const std::string& text) {
  std::string quoted = "'";
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\'') quoted += '\'';
    if (text.compare(i, 2, "${") == 0) quoted += '$';
    quoted += text[i];
  }
  return quoted + "'";
}

DemoStage::DemoStage(const DemoOptions& options, const std::string& run,
                     const Environment& environment)
    : directory_(make_directory(options.directory, environment)),
      topic_("kinbox.demo." + run + ".orders"),
      group_("kinbox-demo-" + run),
      dlq_topic_("dlq." + group_ + '.' + topic_),
      service_topics_{.orders = topic_,
                      .statuses = "kinbox.demo." + run + ".statuses",
                      .inventory = "kinbox.demo." + run + ".inventory",
                      .payment = "kinbox.demo." + run + ".payment"},
      config_file_(directory_ + "/kinbox.yaml") {
  if (options.brokers.empty()) mock_.emplace();
  write_config(options, run);
  // Without the environment: KINBOX_* variables are meant for another configuration.
  config_ = load_config(config_file_, {});
}

void DemoStage::write_config(const DemoOptions& options, const std::string& run) const {
  const auto confirmations = "  - name: confirmations\n    group: " + group_ + "\n    topics: [" +
                             topic_ +
                             "]\n"
                             "    handlers: [demo_confirmation]\n"
                             "    on_error:\n"
                             "      retry: {max_attempts: 3, first_delay: 200ms, max_delay: 1s}\n"
                             "      then: dead_letter\n"
                             "      rules:\n"
                             "        - class: retryable\n"
                             "          retry: {max_attempts: 1}\n"
                             "          then: park\n"
                             "          park: {delays: [1s, 1s, 1s, 2s, 5s, 10s, 10s]}\n"
                             "    max_batch: 5\n";
  const auto services = services_config(service_topics_, group_);
  write_private_file(config_file_, config_text(options, run, confirmations + services));
  write_private_file(services_file(), config_text(options, run, services));
}

std::string DemoStage::config_text(const DemoOptions& options, const std::string& run,
                                   const std::string& consumers) const {
  const auto brokers = mock_ ? mock_->bootstrap_servers() : options.brokers;
  return "# Written by `kinbox demo`.\nkafka:\n" + kafka_lines(brokers, mock_.has_value()) +
         "database:\n" + database_lines(options, run) + "consumers:\n" + consumers +
         // A sender that was killed is followed after three of these.
         "email:\n  transport: file:" + std::string(kMails) +
         "\n  from: Shop <shop@shop.example>\n  delivery_timeout: 1s\nlog: {format: human}\n";
}

std::vector<std::string> DemoStage::topics() const {
  return {topic_, dlq_topic_, service_topics_.statuses, service_topics_.inventory,
          service_topics_.payment};
}

std::string DemoStage::mail_folder() const { return directory_ + '/' + kMails; }

void DemoStage::create_topics() {
  const auto partitions = [&](const std::string& topic) {
    return topic == topic_ || topic == service_topics_.statuses ? kPartitions : 1;
  };
  if (mock_) {
    for (const auto& topic : topics()) mock_->create_topic(topic, partitions(topic));
    return;
  }
  kafka::Admin admin(make_settings(*config_), std::chrono::seconds{10});
  for (const auto& topic : topics())
    admin.create_topic({.name = topic, .partitions = partitions(topic)});
}

void DemoStage::set_up(int buyers) {
  create_topics();
  const auto database = make_database_factory(*config_, Missing::kCreate)();
  SchemaMigrator(*database, schema_components(*config_, demo_handlers())).up();
  const auto tx = database->begin();
  for (int number = 1; number <= buyers; ++number)
    tx->execute(database->dialect().render("INSERT INTO {kinbox}.demo_buyers VALUES ($1, $2)"),
                OrderEvents::buyer(number), OrderEvents::address(number));
  tx->commit();
  fill_stock(*database);
}

}  // namespace kinbox::cli
