#include "core/dlq_topic_name.hpp"

namespace kinbox {
namespace {

std::string replace(std::string text, std::string_view from, std::string_view to) {
  for (auto at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size()))
    text.replace(at, from.size(), to);
  return text;
}

}  // namespace

std::string dlq_topic_name(std::string pattern, std::string_view group, std::string_view topic,
                           std::string_view consumer) {
  auto name = replace(std::move(pattern), "{group}", group);
  name = replace(std::move(name), "{topic}", topic);
  return replace(std::move(name), "{consumer}", consumer);
}

}  // namespace kinbox
