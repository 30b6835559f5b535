#include <CLI/CLI.hpp>
#include <algorithm>
#include <iostream>
#include <nlohmann/json.hpp>
#include <set>

#include "latency.hpp"
#include "mail.hpp"
#include "relay_contenders.hpp"
#include "run_passes.hpp"
#include "topic.hpp"

using namespace kinbox;
using namespace kinbox::bench;

namespace {

struct RunArguments {
  std::string contender;
  std::string database;
  std::string postgres;
  std::string sqlite;
  Task task;
  std::int64_t distinct = 0;
  int passes = 1;
};

void add_produce(CLI::App& app, std::string& brokers, TopicContent& content) {
  auto* command = app.add_subcommand("produce", "Create a topic and fill it with orders");
  command->add_option("--brokers", brokers, "bootstrap.servers")->required();
  command->add_option("--topic", content.topic, "must not exist, unless --first is given")
      ->required();
  command->add_option("--partitions", content.partitions)->check(CLI::PositiveNumber);
  command->add_option("--records", content.records, "0: the topic stays empty")
      ->required()
      ->check(CLI::NonNegativeNumber);
  command->add_option("--first", content.first, "the first order's number")
      ->check(CLI::PositiveNumber);
  command->add_option("--repeat-every", content.repeat_every, "each so many-th is a duplicate")
      ->check(CLI::Range(2, 1'000'000));
  command->callback([&] {
    produce(brokers, content);
    std::cout << nlohmann::json{{"topic", content.topic},
                                {"records", content.records},
                                {"distinct", content.distinct()}}
              << '\n';
  });
}

/// The first pass's time, and those of the passes behind it.
nlohmann::json to_json(const RunArguments& arguments, const std::vector<RunTime>& times) {
  const auto records = static_cast<double>(arguments.task.records);
  nlohmann::json run{{"contender", arguments.contender},
                     {"database", arguments.database},
                     {"workers", arguments.task.workers},
                     {"records", arguments.task.records},
                     {"seconds", times.front().seconds},
                     {"cpu_seconds", times.front().cpu_seconds},
                     {"records_per_second", records / times.front().seconds}};
  for (std::size_t i = 1; i < times.size(); ++i)
    run["duplicates"].push_back({{"seconds", times[i].seconds},
                                 {"cpu_seconds", times[i].cpu_seconds},
                                 {"records_per_second", records / times[i].seconds}});
  return run;
}

void run(RunArguments& arguments) {
  auto& task = arguments.task;
  const bool sqlite = arguments.database == "sqlite";
  task.backend = sqlite ? Backend::kSqlite : Backend::kPostgres;
  task.location = sqlite ? arguments.sqlite : arguments.postgres;
  const auto* contender = find_contender(arguments.contender, task.backend);
  if (contender == nullptr)
    throw std::runtime_error("no contender " + arguments.contender + " on " + arguments.database);
  const auto times = run_passes(*contender, task, arguments.distinct, arguments.passes);
  std::cout << to_json(arguments, times) << '\n';
}

nlohmann::json percentiles(const std::vector<std::chrono::microseconds>& sorted) {
  const auto at = [&](double share) {
    return static_cast<double>(percentile(sorted, share).count()) / 1'000;
  };
  return {{"p50_milliseconds", at(0.5)},
          {"p90_milliseconds", at(0.9)},
          {"p99_milliseconds", at(0.99)},
          {"max_milliseconds", at(1)}};
}

void measure(const LatencyPlan& plan) {
  const auto latencies = measure_latency(plan);
  nlohmann::json answer{{"records", latencies.sorted.size()},
                        {"rate", plan.rate},
                        {"transactions", latencies.transactions}};
  answer.update(percentiles(latencies.sorted));
  if (plan.emitted) answer["emitted"] = percentiles(latencies.emitted);
  std::cout << answer << '\n';
}

void add_latency(CLI::App& app, LatencyPlan& plan) {
  auto* command = app.add_subcommand(
      "latency", "Produce at a rate while `kinbox run` consumes; how long until the effect");
  command->add_option("--config", plan.config, "of kinbox: one consumer, one topic")->required();
  command->add_option("--topic", plan.topic, "must not exist")->required();
  command->add_flag("--emitted", plan.emitted, "and until the event's reply is on its topic");
  command->add_option("--rate", plan.rate, "events per second")->check(CLI::Range(1, 1'000'000));
  const auto seconds = [command](const std::string& name, std::chrono::seconds& target) {
    command
        ->add_option_function<int>(name,
                                   [&target](int value) { target = std::chrono::seconds{value}; })
        ->check(CLI::Range(1, 3'600));
  };
  seconds("--seconds", plan.duration);
  seconds("--warm-up-seconds", plan.warm_up);
  command->callback([&] { measure(plan); });
}

void relay(const RelayTask& task, const std::string& name) {
  const auto all = all_relay_contenders();
  const auto* contender =
      &*std::find_if(all.begin(), all.end(), [&](const auto& one) { return one.name == name; });
  const auto time = run_relay(*contender, task);
  std::cout << nlohmann::json{{"contender", name},
                              {"events", task.events},
                              {"seconds", time.seconds},
                              {"cpu_seconds", time.cpu_seconds},
                              {"events_per_second",
                               static_cast<double>(task.events) / time.seconds}}
            << '\n';
}

void add_relay(CLI::App& app, RelayTask& task, std::string& contender) {
  auto* command = app.add_subcommand(
      "relay", "Let one contender carry a full outbox to a topic, print the time");
  std::set<std::string> names;
  for (const auto& one : all_relay_contenders()) names.emplace(one.name);
  command->add_option("--contender", contender)->required()->check(CLI::IsMember(names));
  command->add_option("--postgres", task.postgres, "URI of a superuser")->required();
  command->add_option("--brokers", task.brokers, "bootstrap.servers")->required();
  command->add_option("--topic", task.topic, "must not exist")->required();
  command->add_option("--events", task.events)->required()->check(CLI::PositiveNumber);
  command->add_option("--keys", task.keys, "of how many keys they are")->check(CLI::PositiveNumber);
  command->callback([&] { relay(task, contender); });
}

void add_mail(CLI::App& app, MailPlan& plan) {
  auto* command = app.add_subcommand(
      "mail", "Send a full outbox to an SMTP server, and the same mails without a database");
  command
      ->add_option_function<std::string>("--database",
                                         [&plan](const std::string& name) {
                                           plan.backend = name == "sqlite" ? Backend::kSqlite
                                                                           : Backend::kPostgres;
                                         })
      ->required()
      ->check(CLI::IsMember({"postgres", "sqlite"}));
  command
      ->add_option("--location", plan.location, "URI of a superuser, or a file that is not there")
      ->required();
  command->add_option("--smtp-port", plan.smtp_port, "on 127.0.0.1")->required();
  command->add_option("--senders", plan.senders)->check(CLI::Range(1, 64));
  command->add_option("--mails", plan.mails)->check(CLI::PositiveNumber);
  command->callback([&] {
    std::cout << nlohmann::json{{"mails", plan.mails},
                                {"senders", plan.senders},
                                {"mails_per_second", send_from_outbox(plan)},
                                {"directly_per_second", send_directly(plan)}}
              << '\n';
  });
}

std::set<std::string> contender_names() {
  std::set<std::string> names;
  for (const auto& contender : all_contenders()) names.emplace(contender.name);
  return names;
}

void add_run(CLI::App& app, RunArguments& arguments) {
  auto& task = arguments.task;
  auto* command = app.add_subcommand(
      "run", "Let one contender consume a topic once, check the result, print the time");
  command->add_option("--contender", arguments.contender)
      ->required()
      ->check(CLI::IsMember(contender_names()));
  auto* database =
      command->add_option("--database", arguments.database, "postgres or sqlite")->required();
  database->check(CLI::IsMember({"postgres", "sqlite"}));
  command->add_option("--postgres", arguments.postgres, "URI of a superuser");
  command->add_option("--sqlite", arguments.sqlite, "a file that does not exist");
  command->add_option("--brokers", task.brokers, "bootstrap.servers")->required();
  command->add_option("--topic", task.topic)->required();
  command->add_option("--records", task.records, "in the topic")->required();
  command->add_option("--distinct", arguments.distinct, "events in the topic")->required();
  command->add_option("--workers", task.workers)->check(CLI::Range(1, 64));
  command
      ->add_option("--passes", arguments.passes,
                   "the second and later ones read the topic again in a new group, the inbox "
                   "rows kept: all duplicates")
      ->check(CLI::Range(1, 10));
  command->callback([&] { run(arguments); });
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Yardsticks for kinbox; scripts/bench runs them");
  app.require_subcommand(1);
  std::string brokers;
  TopicContent content;
  RunArguments arguments;
  add_produce(app, brokers, content);
  add_run(app, arguments);
  LatencyPlan plan;
  add_latency(app, plan);
  RelayTask relay_task;
  std::string relay_contender;
  add_relay(app, relay_task, relay_contender);
  MailPlan mail_plan;
  add_mail(app, mail_plan);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 64;
  } catch (const std::exception& error) {
    std::cerr << "kinbox_bench: " << error.what() << '\n';
    return 1;
  }
}
