#include <filesystem>
#include <map>

#include "cli/config/password_file.hpp"
#include "cli/doctor/examinations.hpp"
#include "kinbox/errors.hpp"

namespace kinbox::cli {
namespace {

namespace fs = std::filesystem;

/// Setting and file of everything that holds a password of its own.
std::map<std::string, std::string> secret_files(const Config& config) {
  std::map<std::string, std::string> files;
  if (const auto* postgres = std::get_if<PostgresConfig>(&config.database))
    if (postgres->password_file) files["database.password_file"] = *postgres->password_file;
  if (config.kafka.sasl_password_file)
    files["kafka.sasl_password_file"] = *config.kafka.sasl_password_file;
  if (config.email && config.email->password_file)
    files["email.password_file"] = *config.email->password_file;
  const auto key = config.kafka.settings.find("ssl.key.location");
  if (key != config.kafka.settings.end()) files["kafka.ssl.key.location"] = key->second;
  return files;
}

void examine_file(const std::string& setting, const std::string& file, Findings& findings) {
  findings.attempt(setting, "write the secret into the file, readable by kinbox's user", [&] {
    read_password(setting, file);
    std::error_code error;
    const auto mode = fs::status(file, error).permissions();
    if (!error && (mode & (fs::perms::others_read | fs::perms::others_write)) != fs::perms::none)
      findings.warn(setting, file + " can be read or written by everybody on this machine",
                    "chmod 600 " + file);
    else
      findings.ok(setting, file);
  });
}

}  // namespace

void examine_secrets(const Config& config, Findings& findings) {
  const auto files = secret_files(config);
  for (const auto& [setting, file] : files) examine_file(setting, file, findings);
  if (files.empty()) findings.skip("secrets", "no setting names a file that holds one");
}

}  // namespace kinbox::cli
