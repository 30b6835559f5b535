#include <CLI/CLI.hpp>
#include <memory>

#include "cli/commands/commands.hpp"
#include "cli/config/kafka_settings.hpp"
#include "cli/database.hpp"
#include "cli/doctor/examinations.hpp"
#include "cli/whole_numbers.hpp"
#include "kinbox/kafka/library.hpp"

namespace kinbox::cli {
namespace {

constexpr const char* kFooter = R"(
A line per check: OK, WARN, FAIL or SKIP, what was found, and what mends it. Nothing is changed, no
group is joined. Exit code 2: something is FAIL, or with --strict WARN; 78: the configuration cannot
be read, and nothing else was looked at.

Examples:
  kinbox doctor                    before the first start, and when something is strange
  kinbox doctor --offline          configuration, files and libraries alone
  kinbox doctor --strict           in a pipeline
  kinbox doctor --sample 1000      look at more records of each topic)";

struct Options {
  bool strict = false;
  bool offline = false;
  std::int64_t sample = 100;
  std::chrono::milliseconds timeout{5'000};
};

class Doctor {
 public:
  Doctor(const Invocation& invocation, const Options& options)
      : invocation_(invocation), options_(options) {}

  /// False: there is no configuration that could be read.
  bool examine() {
    std::optional<Config> config;
    if (!findings_.attempt("configuration", "kinbox config check",
                           [&] { config = invocation_.load(); }))
      return false;
    examine_configuration(*config, invocation_.handlers, findings_);
    examine_secrets(*config, findings_);
    const auto features = kafka::library_features();
    examine_library(*config, kafka::library_version(), features, findings_);
    if (options_.offline)
      for (const auto* what : {"database", "brokers", "mail"}) findings_.skip(what, "--offline");
    else
      examine_services(*config);
    return true;
  }

  const Findings& findings() const { return findings_; }

 private:
  void examine_services(const Config& config) {
    std::unique_ptr<Database> database;
    bool usable = false;
    findings_.attempt("database", "look at database:", [&] {
      database = make_database_factory(config, Missing::kRefuse)();
      usable = examine_database(config, invocation_.handlers, *database, findings_);
    });
    findings_.attempt("kafka settings", "kinbox config check",
                      [&] { examine_kafka(config, usable ? database.get() : nullptr); });
    if (config.email) examine_mail(*config.email, findings_);
  }

  void examine_kafka(const Config& config, Database* database) {
    const auto settings = make_settings(config);
    if (!examine_topics(config, settings, options_.timeout, findings_)) {
      findings_.skip("groups and records", "no broker answers");
      return;
    }
    examine_retention(config, database, ask_brokers(settings, options_.timeout), findings_);
    examine_groups(config, settings, options_.timeout, database, findings_);
    examine_records(config, invocation_.handlers, settings, options_.timeout, options_.sample,
                    findings_);
  }

  const Invocation& invocation_;
  const Options& options_;
  Findings findings_;
};

ExitCode doctor(const Invocation& invocation, const Options& options) {
  Doctor examination(invocation, options);
  const bool configured = examination.examine();
  const auto& findings = examination.findings();
  Table table{{{"result"}, {"check"}, {"found"}, {"way_out"}}, {}};
  for (const auto& line : findings.lines())
    table.rows.push_back({std::string(to_text(line.grade)), line.check, line.found, line.way_out});
  invocation.answer(table);
  if (!configured) return ExitCode::kConfiguration;
  const auto bearable = options.strict ? Grade::kSkip : Grade::kWarn;
  return findings.worst() > bearable ? ExitCode::kNotClean : ExitCode::kOk;
}

}  // namespace

void add_doctor(CLI::App& app, Invocation& invocation) {
  auto* command =
      app.add_subcommand("doctor", "Look at configuration, database, Kafka and mail for trouble");
  command->footer(kFooter);
  add_config_option(*command, invocation);
  add_output_option(*command, invocation);
  const auto options = std::make_shared<Options>();
  command->add_flag("--strict", options->strict, "Exit 2 for a WARN, too");
  command->add_flag("--offline", options->offline,
                    "Ask neither database nor Kafka nor mail server");
  command
      ->add_option("--sample", options->sample,
                   "Look at so many of the last records of each topic (default: 100)")
      ->type_name("N")
      ->check(from_one());
  add_duration_option(*command, "--timeout", options->timeout,
                      "How long to wait for each answer of Kafka");
  command->callback([&invocation, options] {
    invocation.chosen = [&invocation, options] { return doctor(invocation, *options); };
  });
}

}  // namespace kinbox::cli
