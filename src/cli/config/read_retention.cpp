#include "cli/config/sections.hpp"
#include "cli/config/units.hpp"
#include "cli/config/values.hpp"

namespace kinbox::cli {
namespace {

void read_window(ConfigMap& map, std::string_view key, RetentionWindows::Window& window) {
  if (const auto node = map.take(key)) read_bound_or_none(*node, window);
}

void read_confirm(const ConfigNode& node, const std::vector<ConsumerConfig>& consumers,
                  std::vector<std::string>& confirm) {
  std::vector<std::pair<std::string, std::string>> names{{"mail", "mail"}};
  for (const auto& consumer : consumers) names.emplace_back(consumer.name, consumer.name);
  for (const auto& item : node.items()) {
    std::string name;
    read_word(item, name, names);
    if (!name.empty()) confirm.push_back(name);
  }
}

}  // namespace

RetentionConfig read_retention(const ConfigNode& node,
                               const std::vector<ConsumerConfig>& consumers) {
  RetentionConfig retention;
  ConfigMap map(node);
  auto& windows = retention.windows;
  read_window(map, "inbox", windows.inbox);
  read_window(map, "dead_letters", windows.dead_letters);
  read_window(map, "mail", windows.mail);
  read_window(map, "replays", windows.replays);
  read_window(map, "audit", windows.audit);
  if (windows.inbox && windows.mail && *windows.mail < *windows.inbox)
    node.problem("mail (" + to_text(*windows.mail) + ") should not be shorter than inbox (" +
                 to_text(*windows.inbox) +
                 "): an event that is run again on purpose would mail again");
  if (const auto margin = map.take("margin")) {
    retention.margin = std::chrono::milliseconds{0};
    read_value(*margin, *retention.margin);
  }
  map.read("strict", retention.strict);
  if (const auto every = map.take("every")) read_bound_or_none(*every, retention.every);
  if (const auto confirm = map.take("confirm"))
    read_confirm(*confirm, consumers, retention.confirm);
  map.refuse_the_rest();
  return retention;
}

}  // namespace kinbox::cli
