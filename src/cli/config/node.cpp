#include "cli/config/node.hpp"

#include <algorithm>

#include "cli/config/nearest.hpp"
#include "kinbox/errors.hpp"

namespace kinbox::cli {

ConfigNode::ConfigNode(YAML::Node node, std::string path, Reading& reading)
    : node_(std::move(node)), path_(std::move(path)), reading_(&reading) {
  reading_->given.insert(path_);
}

ConfigNode ConfigNode::child(const YAML::Node& node, std::string path) const {
  return {node, std::move(path), *reading_};
}

std::string ConfigNode::text() const {
  if (!node_.IsScalar()) {
    problem(node_.IsNull() ? "has no value" : "should be one value, not a list or a mapping");
    return {};
  }
  // A variable's value is taken as it is: a password may hold "${".
  if (reading_->overridden.contains(path_)) return node_.Scalar();
  try {
    return expand(node_.Scalar(), reading_->environment);
  } catch (const ConfigurationError& e) {
    problem(e.what());
    return {};
  }
}

std::vector<ConfigNode> ConfigNode::items() const {
  if (!node_.IsSequence()) {
    problem("should be a list");
    return {};
  }
  std::vector<ConfigNode> items;
  for (std::size_t i = 0; i < node_.size(); ++i)
    items.push_back(child(node_[i], path_ + '[' + std::to_string(i) + ']'));
  return items;
}

std::vector<std::pair<std::string, ConfigNode>> ConfigNode::entries() const {
  if (node_.IsNull()) return {};
  if (!node_.IsMap()) {
    problem("should be a mapping");
    return {};
  }
  std::vector<std::pair<std::string, ConfigNode>> entries;
  std::set<std::string> seen;
  for (const auto& entry : node_) {
    if (!entry.first.IsScalar()) {
      problem("has a key that is not plain text");
      continue;
    }
    const auto& key = entry.first.Scalar();
    entries.emplace_back(key, child(entry.second, path_.empty() ? key : path_ + '.' + key));
    if (!seen.insert(key).second) entries.back().second.problem("stands twice");
  }
  return entries;
}

std::string ConfigNode::place() const {
  const auto variable = reading_->overridden.find(path_);
  if (variable != reading_->overridden.end()) return variable->second;
  const auto mark = node_.Mark();
  return mark.is_null() ? reading_->file : reading_->file + ':' + std::to_string(mark.line + 1);
}

void ConfigNode::problem(const std::string& text) const {
  reading_->problems.push_back(place() + ": " + (path_.empty() ? "" : path_ + ": ") + text);
}

ConfigMap::ConfigMap(const ConfigNode& node) : node_(node), entries_(node.entries()) {}

std::optional<ConfigNode> ConfigMap::take(std::string_view key) {
  known_.emplace_back(key);
  const auto found = std::find_if(entries_.begin(), entries_.end(),
                                  [&](const auto& entry) { return entry.first == key; });
  return found == entries_.end() ? std::nullopt : std::optional(found->second);
}

void ConfigMap::refuse_the_rest() const {
  for (const auto& [key, node] : entries_)
    if (std::find(known_.begin(), known_.end(), key) == known_.end())
      node.problem("unknown key" + suggestion(key, known_));
}

}  // namespace kinbox::cli
