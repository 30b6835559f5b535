#pragma once

#include <gmock/gmock.h>

#include <map>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "handlers/handlers.hpp"
#include "kinbox/errors.hpp"
#include "kinbox/handler_registry.hpp"
#include "kinbox/migrations.hpp"
#include "support/decoding.hpp"
#include "support/test_database.hpp"

namespace kinbox::testing {

/// Base of the suites of shipped handlers: both databases with all handlers' tables, and one event
/// at a time.
class HandlerContract : public DatabaseContract {
 protected:
  using Settings = std::map<std::string, std::string>;

  void prepare() override {
    std::vector<SchemaComponent> components{kinbox_component()};
    for (auto& spec : shipped_handlers()) components.push_back({spec.name, spec.migrations});
    SchemaMigrator(database(), std::move(components)).up();
  }

  static HandlerUse use(const std::string& name, const Settings& settings = {}) {
    for (auto& spec : shipped_handlers())
      if (spec.name == name) return {std::move(spec), settings};
    throw std::logic_error("no shipped handler " + name);
  }

  /// Runs the handler for one event, which `tx` does not commit.
  void handle_in(OpenTransaction& tx, const std::string& name, OwnedRecord record,
                 const Settings& settings = {}) {
    const HandlerRegistry registry({use(name, settings)}, database().dialect());
    const DecodedRecord decoded(std::move(record));
    const auto& event = decoded.event();
    const HandlerScope scope(tx, {.consumer = name, .event = &event});
    registry.find(event.type())->handler->handle(event, tx);
  }

  /// The same in a transaction of its own.
  void handle(const std::string& name, OwnedRecord record, const Settings& settings = {}) {
    const auto tx = database().begin();
    handle_in(*tx, name, std::move(record), settings);
    tx->commit();
  }
  void handle(const std::string& name, const std::string& payload, const Settings& settings = {}) {
    handle(name, order_record(payload), settings);
  }

  /// What the handler throws, which must be a Refusal.
  template <typename Refusal, typename RecordOrPayload>
  Refusal refusal(const std::string& name, const RecordOrPayload& what,
                  const Settings& settings = {}) {
    try {
      handle(name, what, settings);
    } catch (const Refusal& error) {
      return error;
    }
    throw std::logic_error(name + " accepted what it should refuse");
  }

  /// What is said of these settings at start.
  std::string problem_with(const std::string& name, const Settings& settings) {
    try {
      HandlerRegistry({use(name, settings)}, database().dialect());
    } catch (const ConfigurationError& error) {
      return error.what();
    }
    return "accepted";
  }

  /// Every row of the query, its columns as text, '|' between them.
  std::vector<std::string> table(const std::string& sql) {
    const auto tx = database().begin();
    std::vector<std::string> lines;
    const auto rows = tx->query(database().dialect().render(sql));
    for (const auto row : rows) {
      std::string line;
      for (std::size_t i = 0; i < rows.columns().size(); ++i)
        line += (i == 0 ? "" : "|") + row.get<std::string>(i);
      lines.push_back(std::move(line));
    }
    return lines;
  }

  /// The columns of the one row that `sql` gives, as text.
  std::vector<std::string> row(const std::string& sql) {
    const auto tx = database().begin();
    const auto rows = tx->query(database().dialect().render(sql));
    EXPECT_EQ(rows.size(), 1U) << sql;
    std::vector<std::string> fields;
    for (std::size_t i = 0; i < rows.columns().size(); ++i)
      fields.push_back(rows[0].get<std::string>(i));
    return fields;
  }

  /// "TOPIC KEY TYPE PAYLOAD" of everything that was emitted, in order.
  std::vector<std::string> emitted() {
    const auto tx = database().begin();
    std::vector<std::string> lines;
    for (const auto row : tx->query(database().dialect().render(
             "SELECT topic, key, event_type, value FROM {kinbox}.outbox ORDER BY id")))
      lines.push_back(row.get<std::string>(0) + ' ' + std::string(as_text(row.get<ByteVector>(1))) +
                      ' ' + row.get<std::string>(2) + ' ' +
                      std::string(as_text(row.get<ByteVector>(3))));
    return lines;
  }
};

/// `text` with one piece of it replaced.
inline std::string with(std::string text, const std::string& piece, const std::string& instead) {
  const auto at = text.find(piece);
  if (at == text.npos) throw std::logic_error("no " + piece + " in " + text);
  return text.replace(at, piece.size(), instead);
}

}  // namespace kinbox::testing
