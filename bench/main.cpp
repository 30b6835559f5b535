#include <CLI/CLI.hpp>
#include <algorithm>
#include <iostream>
#include <nlohmann/json.hpp>

#include "run_once.hpp"
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
};

void add_produce(CLI::App& app, std::string& brokers, TopicContent& content) {
  auto* command = app.add_subcommand("produce", "Create a topic and fill it with orders");
  command->add_option("--brokers", brokers, "bootstrap.servers")->required();
  command->add_option("--topic", content.topic, "must not exist")->required();
  command->add_option("--partitions", content.partitions)->check(CLI::PositiveNumber);
  command->add_option("--records", content.records)->required()->check(CLI::PositiveNumber);
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

void run(RunArguments& arguments) {
  auto& task = arguments.task;
  const bool sqlite = arguments.database == "sqlite";
  task.backend = sqlite ? Backend::kSqlite : Backend::kPostgres;
  task.location = sqlite ? arguments.sqlite : arguments.postgres;
  const auto all = all_contenders();
  const auto contender = std::find_if(
      all.begin(), all.end(), [&](const auto& one) { return one.name == arguments.contender; });
  const auto time = run_once(*contender, task, arguments.distinct);
  std::cout << nlohmann::json{{"contender", arguments.contender},
                              {"database", arguments.database},
                              {"workers", task.workers},
                              {"records", task.records},
                              {"seconds", time.seconds},
                              {"cpu_seconds", time.cpu_seconds},
                              {"records_per_second",
                               static_cast<double>(task.records) / time.seconds}}
            << '\n';
}

std::vector<std::string> contender_names() {
  std::vector<std::string> names;
  for (const auto& contender : all_contenders()) names.emplace_back(contender.name);
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
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 64;
  } catch (const std::exception& error) {
    std::cerr << "kinbox_bench: " << error.what() << '\n';
    return 1;
  }
}
