#pragma once

#include <chrono>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "kinbox/handler.hpp"
#include "kinbox/handler_registry.hpp"
#include "kinbox/postgres/database.hpp"
#include "kinbox/sqlite/database.hpp"
#include "kinbox/worker.hpp"

// What the programs that tests kill have in common: arguments of the form NAME=VALUE, a database,
// and a handler whose effects SQL can count.
namespace kinbox::testing {

class Arguments {
 public:
  /// The words from `first` on; the last of equal names counts.
  Arguments(int argc, char** argv, int first) {
    for (int i = first; i < argc; ++i) {
      const std::string_view word = argv[i];
      const auto equals = word.find('=');
      if (equals == word.npos) continue;
      values_[std::string(word.substr(0, equals))] = word.substr(equals + 1);
    }
  }

  std::string text(const std::string& name, const std::string& otherwise = "") const {
    const auto found = values_.find(name);
    return found == values_.end() ? otherwise : found->second;
  }

  int number(const std::string& name, int otherwise) const {
    return values_.contains(name) ? std::stoi(values_.at(name)) : otherwise;
  }

  const std::map<std::string, std::string>& all() const { return values_; }

 private:
  std::map<std::string, std::string> values_;
};

/// A row per call in a table without a unique key: a second effect of one event shows.
class InsertEffect : public Handler {
 public:
  explicit InsertEffect(const Dialect& dialect)
      : sql_(dialect.render("INSERT INTO {kinbox}.effects (event_id) VALUES ($1)")) {}
  void handle(const Event& event, Transaction& tx) override { tx.execute(sql_, event.id()); }

 private:
  std::string sql_;
};

/// A consumer with one handler, which gets every event.
inline ConsumerSpec victim(std::string group, std::vector<std::string> topics,
                           HandlerFactory make) {
  ConsumerSpec spec;
  spec.name = "victim";
  spec.group = std::move(group);
  spec.topics = std::move(topics);
  HandlerSpec handler;
  handler.name = "insert_effect";
  handler.event_types = {"*"};
  handler.make = std::move(make);
  spec.handlers.push_back({std::move(handler)});
  return spec;
}

/// sqlite=PATH | postgres=URI schema=NAME [idle_timeout_ms=N]
inline std::unique_ptr<Database> connect(const Arguments& arguments) {
  if (const auto path = arguments.text("sqlite"); !path.empty())
    return sqlite::open({.path = path});
  postgres::Options options;
  options.uri = arguments.text("postgres");
  options.schema = arguments.text("schema");
  options.idle_in_transaction_session_timeout =
      std::chrono::milliseconds{arguments.number("idle_timeout_ms", 3000)};
  return postgres::factory(options)();
}

}  // namespace kinbox::testing
