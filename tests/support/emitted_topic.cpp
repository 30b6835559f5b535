#include "support/emitted_topic.hpp"

#include <algorithm>
#include <map>
#include <optional>

#include "kinbox/kafka/source.hpp"
#include "support/kafka.hpp"
#include "support/unique_name.hpp"

namespace kinbox::testing {
namespace {

constexpr std::size_t kMaxText = 2'000;
constexpr std::chrono::minutes kPatience{5};

struct Emitted {
  /// Of rows of a key, the order in which they were emitted.
  std::int64_t number = 0;
  std::string key;
  std::string payload;
  bool seen = false;
};

std::string text_of(const std::optional<ByteVector>& bytes) {
  return bytes ? std::string(as_text(*bytes)) : "null";
}

std::string text_of(std::optional<Bytes> bytes) {
  return bytes ? std::string(as_text(*bytes)) : "null";
}

std::map<std::string, Emitted> rows_of(Database& database, const std::string& topic) {
  std::map<std::string, Emitted> rows;
  const auto tx = database.begin();
  for (const auto row :
       tx->query(database.dialect().render("SELECT id, message_id, key, value FROM {kinbox}.outbox "
                                           "WHERE topic = $1 AND dead_letter_id IS NULL"),
                 topic))
    rows[row.get<std::string>(1)] = {.number = row.get<std::int64_t>(0),
                                     .key = text_of(row.get<std::optional<ByteVector>>(2)),
                                     .payload = text_of(row.get<std::optional<ByteVector>>(3))};
  return rows;
}

class Comparison {
 public:
  explicit Comparison(std::map<std::string, Emitted> rows) : rows_(std::move(rows)) {
    found_.rows = static_cast<std::int64_t>(rows_.size());
  }

  void take(const Record& record) {
    const auto id = text_of(record.header("ce_id"));
    const auto row = rows_.find(id);
    if (row == rows_.end()) return fault(id + " is no row's");
    auto& emitted = row->second;
    if (text_of(record.key()) != emitted.key || text_of(record.value()) != emitted.payload)
      fault(id + " has another key or payload than its row");
    if (std::exchange(emitted.seen, true)) {
      ++found_.copies;
      return;
    }
    ++found_.events;
    auto& newest = newest_[emitted.key];
    if (emitted.number < newest) fault(id + " comes behind a younger one of " + emitted.key);
    newest = std::max(newest, emitted.number);
  }

  EmittedTopic found() const { return found_; }

 private:
  void fault(const std::string& what) {
    ++found_.faults;
    if (found_.text.size() < kMaxText) found_.text += what + '\n';
  }

  std::map<std::string, Emitted> rows_;
  std::map<std::string, std::int64_t> newest_;
  EmittedTopic found_;
};

}  // namespace

EmittedTopic compare_with_outbox(Database& database, const std::string& brokers,
                                 const std::string& topic, int partitions) {
  Comparison comparison(rows_of(database, topic));
  LibraryMessages messages;
  RecordingListener listener;
  auto source = kafka::make_source({.settings = kafka::Settings(fast_settings(brokers)),
                                    .group = unique_name("reading"),
                                    .topics = {topic}},
                                   messages);
  source->subscribe(listener);
  const auto at_end = [&] {
    const auto& owned = listener.owned();
    return owned.size() == static_cast<std::size_t>(partitions) &&
           std::all_of(owned.begin(), owned.end(),
                       [&](const auto& partition) { return source->at_end(partition); });
  };
  poll_until(
      *source,
      [&](const Polled& polled) {
        for (const auto& record : polled.records) comparison.take(record);
      },
      at_end, kSmallWait, kPatience);
  return comparison.found();
}

}  // namespace kinbox::testing
