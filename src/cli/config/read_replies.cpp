#include "cli/config/sections.hpp"
#include "cli/config/values.hpp"
#include "kinbox/errors.hpp"

namespace kinbox::cli {
namespace {

enum class Told { kProcessed, kFailed };

void read_verdicts(const ConfigNode& node, ReplyOptions& replies) {
  replies.processed = replies.failed = false;
  for (const auto& item : node.items()) {
    auto told = Told::kProcessed;
    read_word(item, told, {{"processed", Told::kProcessed}, {"failed", Told::kFailed}});
    (told == Told::kProcessed ? replies.processed : replies.failed) = true;
  }
}

}  // namespace

ReplyOptions read_replies(const ConfigNode& node, const std::vector<std::string>& consumed) {
  ReplyOptions replies;
  ConfigMap map(node);
  map.read("to", replies.to);
  const auto header = map.take("header");
  if (header) replies.header = header->text();
  if (const auto allow = map.take("allow"))
    for (const auto& item : allow->items()) replies.allow.push_back(item.text());
  if (const auto verdicts = map.take("verdicts")) read_verdicts(*verdicts, replies);
  map.refuse_the_rest();
  if (header && replies.allow.empty())
    header->problem("is not looked at without allow: [TOPIC], the topics that it may name");
  try {
    require_usable(replies, consumed);
  } catch (const ConfigurationError& e) {
    node.problem(e.what());
  }
  return replies;
}

}  // namespace kinbox::cli
