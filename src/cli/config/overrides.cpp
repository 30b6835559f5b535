#include "cli/config/overrides.hpp"

#include <algorithm>
#include <cctype>

#include "cli/config/nearest.hpp"

namespace kinbox::cli {
namespace {

constexpr std::string_view kDatabaseUrl = "KINBOX_DATABASE_URL";
constexpr std::string_view kKafka = "KINBOX_KAFKA_";

struct Override {
  std::string variable;
  std::string section;
  std::string key;
};

const std::vector<Override>& plain_overrides() {
  static const std::vector<Override> overrides{
      {"KINBOX_DATABASE_SCHEMA", "database", "schema"},
      {"KINBOX_DATABASE_PASSWORD_FILE", "database", "password_file"},
      {"KINBOX_DATABASE_MIGRATE", "database", "migrate"},
      {"KINBOX_KAFKA_SASL_PASSWORD_FILE", "kafka", "sasl_password_file"},
      {"KINBOX_LOG_FORMAT", "log", "format"},
      {"KINBOX_LOG_LEVEL", "log", "level"}};
  return overrides;
}

// A service "kinbox-kafka" makes KINBOX_KAFKA_SERVICE_HOST, _SERVICE_PORT, _PORT, _PORT_9092_TCP...
bool is_service_link(std::string_view variable) {
  return variable.find("_SERVICE_HOST") != std::string_view::npos ||
         variable.find("_SERVICE_PORT") != std::string_view::npos || variable.ends_with("_PORT") ||
         variable.find("_TCP") != std::string_view::npos ||
         variable.find("_UDP") != std::string_view::npos;
}

void set(YAML::Node& root, const std::string& section, const std::string& key,
         const std::string& value, const std::string& variable, Reading& reading) {
  // Anything else the section's reader refuses, with its place.
  if (const auto node = root[section]; node.IsDefined() && !node.IsMap() && !node.IsNull()) return;
  root[section][key] = value;
  reading.overridden[section + '.' + key] = variable;
}

/// "bootstrap.servers" for KINBOX_KAFKA_BOOTSTRAP_SERVERS: librdkafka's names hold no underscore.
std::string kafka_key(std::string_view variable) {
  std::string key(variable.substr(kKafka.size()));
  for (char& c : key)
    c = c == '_' ? '.' : static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return key;
}

void replace_database(YAML::Node& root, const std::string& url, Reading& reading) {
  const std::string variable(kDatabaseUrl);
  if (url.starts_with("sqlite:")) {
    root["database"] = YAML::Node(YAML::NodeType::Map);
    return set(root, "database", "sqlite", url.substr(7), variable, reading);
  }
  if (url.starts_with("postgres://") || url.starts_with("postgresql://")) {
    if (root["database"].IsMap()) root["database"].remove("sqlite");
    return set(root, "database", "postgres", url, variable, reading);
  }
  reading.problems.push_back(variable + ": should be sqlite:PATH or postgresql://USER@HOST/NAME");
}

void refuse_unknown(std::string_view variable, Reading& reading) {
  if (!variable.starts_with("KINBOX_DATABASE_") && !variable.starts_with("KINBOX_LOG_")) return;
  std::vector<std::string> names{std::string(kDatabaseUrl)};
  for (const auto& known : plain_overrides()) names.push_back(known.variable);
  if (std::find(names.begin(), names.end(), variable) != names.end()) return;
  reading.problems.push_back(std::string(variable) + ": unknown" + suggestion(variable, names));
}

}  // namespace

void apply_overrides(YAML::Node& root, Reading& reading) {
  // First the database itself: the other variables refine it.
  const auto url = reading.environment.find(kDatabaseUrl);
  if (url != reading.environment.end() && !url->second.empty())
    replace_database(root, url->second, reading);
  for (const auto& [variable, value] : reading.environment) {
    if (!variable.starts_with("KINBOX_") || value.empty() || is_service_link(variable)) continue;
    const auto& plain = plain_overrides();
    const auto known = std::find_if(plain.begin(), plain.end(), [&](const Override& override) {
      return override.variable == variable;
    });
    if (known != plain.end())
      set(root, known->section, known->key, value, variable, reading);
    else if (variable.starts_with(kKafka))
      set(root, "kafka", kafka_key(variable), value, variable, reading);
    refuse_unknown(variable, reading);
  }
}

}  // namespace kinbox::cli
