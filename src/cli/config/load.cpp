#include "cli/config/load.hpp"

#include <filesystem>
#include <fstream>
#include <sstream>

#include "cli/config/overrides.hpp"
#include "cli/config/sections.hpp"
#include "kinbox/errors.hpp"

namespace kinbox::cli {
namespace {

std::string read_file(const std::string& file) {
  std::ifstream in(file, std::ios::binary);
  std::ostringstream text;
  if (in) text << in.rdbuf();
  if (!in || !text)
    throw ConfigurationError("cannot read the configuration " + file +
                             "; name one with --config or KINBOX_CONFIG (examples/kinbox.yaml is "
                             "one to start from)");
  return text.str();
}

YAML::Node parse(const std::string& text, const std::string& file) {
  try {
    const auto documents = YAML::LoadAll(text);
    if (documents.size() > 1)
      throw ConfigurationError(file + ": holds more than one YAML document; keep one");
    return documents.empty() || documents[0].IsNull() ? YAML::Node(YAML::NodeType::Map)
                                                      : documents[0];
  } catch (const YAML::ParserException& e) {
    throw ConfigurationError(file + ':' + std::to_string(e.mark.line + 1) + ": " + e.msg);
  }
}

std::string from_folder_of(const std::string& file, const std::string& path) {
  if (path.empty() || path == ":memory:") return path;
  const std::filesystem::path given(path);
  if (given.is_absolute()) return path;
  return (std::filesystem::path(file).parent_path() / given).string();
}

void resolve_paths(EmailConfig& email, const std::string& file) {
  email.folder = from_folder_of(file, email.folder);
  email.smtp.ca_file = from_folder_of(file, email.smtp.ca_file);
  for (auto* path : {&email.password_file, &email.templates})
    if (*path) **path = from_folder_of(file, **path);
}

void resolve_paths(Config& config) {
  if (auto& file = config.kafka.sasl_password_file;
      file && !config.overridden.contains("kafka.sasl_password_file"))
    *file = from_folder_of(config.file, *file);
  if (config.email) resolve_paths(*config.email, config.file);
  if (auto* sqlite = std::get_if<SqliteConfig>(&config.database)) {
    if (!config.overridden.contains("database.sqlite"))
      sqlite->path = from_folder_of(config.file, sqlite->path);
  } else if (auto& file = std::get<PostgresConfig>(config.database).password_file) {
    if (!config.overridden.contains("database.password_file"))
      *file = from_folder_of(config.file, *file);
  }
}

[[noreturn]] void refuse(const std::vector<std::string>& problems) {
  std::string text;
  for (const auto& problem : problems) text += (text.empty() ? "" : "\n") + problem;
  throw ConfigurationError(text);
}

Config read_sections(const ConfigNode& root) {
  Config config;
  ConfigMap map(root);
  if (const auto kafka = map.take("kafka"))
    config.kafka = read_kafka(*kafka);
  else
    root.problem("no kafka section; add kafka: {bootstrap.servers: host:9092}");
  if (const auto database = map.take("database"))
    config.database = read_database(*database);
  else
    root.problem("no database section; add database: {sqlite: kinbox.db}");
  if (const auto consumers = map.take("consumers"))
    config.consumers = read_consumers(*consumers);
  else
    root.problem("no consumers; add consumers: [{name: ..., topics: [...], handlers: [...]}]");
  if (const auto outbox = map.take("outbox"))
    config.outbox = read_outbox(*outbox, config.backend());
  if (const auto email = map.take("email")) config.email = read_email(*email);
  if (const auto dlq = map.take("dlq")) config.dlq = read_dlq(*dlq);
  if (const auto retention = map.take("retention")) {
    config.retention = read_retention(*retention, config.consumers);
    config.retention->windows.outbox = config.outbox.retention;
  }
  if (const auto log = map.take("log")) config.log = read_log(*log);
  map.refuse_the_rest();
  return config;
}

}  // namespace

Config load_config(const std::string& file, const Environment& environment) {
  return parse_config(read_file(file), file, environment);
}

Config parse_config(const std::string& text, const std::string& file,
                    const Environment& environment) {
  Reading reading{file, environment};
  auto root = parse(text, file);
  if (root.IsMap()) apply_overrides(root, reading);
  auto config = read_sections(ConfigNode(root, "", reading));
  if (!reading.problems.empty()) refuse(reading.problems);
  config.file = file;
  config.given = std::move(reading.given);
  config.overridden = std::move(reading.overridden);
  resolve_paths(config);
  return config;
}

}  // namespace kinbox::cli
