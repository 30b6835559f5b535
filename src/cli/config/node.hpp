#pragma once

#include <yaml-cpp/yaml.h>

#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "cli/config/environment.hpp"

namespace kinbox::cli {

/// What goes along while a configuration is read: whose text it is, and what is wrong so far. All
/// problems are collected, so that one run names them all.
struct Reading {
  std::string file;
  const Environment& environment;
  /// Paths whose value came from a KINBOX_* variable, and which.
  std::map<std::string, std::string> overridden = {};
  /// Paths that were given at all.
  std::set<std::string> given = {};
  std::vector<std::string> problems = {};
};

/// A value of the configuration and its place.
///
/// Reading never throws: what is wrong is noted with file, line and path, and an empty value stands
/// in for it.
class ConfigNode {
 public:
  /// `reading` must outlive it.
  ConfigNode(YAML::Node node, std::string path, Reading& reading);

  const std::string& path() const noexcept { return path_; }
  bool is_map() const { return node_.IsMap(); }
  bool is_list() const { return node_.IsSequence(); }

  /// A scalar, with the environment's variables in it expanded.
  std::string text() const;
  /// A sequence's elements.
  std::vector<ConfigNode> items() const;
  /// A mapping's entries in the file's order; nothing at all counts as an empty mapping. A key
  /// that stands twice is a problem.
  std::vector<std::pair<std::string, ConfigNode>> entries() const;

  /// Where it stands, for errors that are found later: `kinbox.yaml:12`.
  std::string place() const;
  void problem(const std::string& text) const;

 private:
  ConfigNode child(const YAML::Node& node, std::string path) const;

  YAML::Node node_;
  std::string path_;
  Reading* reading_;
};

/// A mapping with known keys: what nobody takes is a problem, named with its nearest known key.
class ConfigMap {
 public:
  explicit ConfigMap(const ConfigNode& node);

  std::optional<ConfigNode> take(std::string_view key);

  /// Reads a value by the `read_value` overload for T; leaves `target` alone when there is none.
  template <typename T>
  void read(std::string_view key, T& target) {
    if (const auto node = take(key)) read_value(*node, target);
  }

  /// To be called when every key was asked for.
  void refuse_the_rest() const;
  const ConfigNode& node() const noexcept { return node_; }

 private:
  ConfigNode node_;
  std::vector<std::pair<std::string, ConfigNode>> entries_;
  std::vector<std::string> known_;
};

}  // namespace kinbox::cli
