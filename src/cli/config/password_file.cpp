#include "cli/config/password_file.hpp"

#include <fstream>
#include <sstream>

#include "kinbox/errors.hpp"

namespace kinbox::cli {

std::string read_password(const std::string& setting, const std::string& file) {
  std::ifstream in(file, std::ios::binary);
  std::ostringstream text;
  if (in) text << in.rdbuf();
  if (!in || !text) throw ConfigurationError(setting + ": cannot read " + file);
  auto password = text.str();
  // Editors and `echo` end files with a line end; passwords do not.
  password.erase(password.find_last_not_of("\r\n") + 1);
  if (password.empty()) throw ConfigurationError(setting + ": " + file + " is empty");
  return password;
}

}  // namespace kinbox::cli
