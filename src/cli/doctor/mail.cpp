#include <unistd.h>

#include "cli/config/password_file.hpp"
#include "cli/doctor/examinations.hpp"
#include "kinbox/email/try_smtp.hpp"

namespace kinbox::cli {
namespace {

void examine_server(const EmailConfig& config, Findings& findings) {
  auto settings = config.smtp;
  if (config.password_file)
    settings.password = read_password("email.password_file", *config.password_file);
  findings.ok("mail server", email::try_smtp(settings));
}

void examine_folder(const std::string& folder, Findings& findings) {
  if (::access(folder.c_str(), W_OK | X_OK) == 0) return findings.ok("mail folder", folder);
  findings.fail("mail folder", folder + " is not there, or files cannot be written to it",
                "create it, writable by kinbox's user");
}

}  // namespace

void examine_mail(const EmailConfig& config, Findings& findings) {
  if (config.way != EmailConfig::Way::kSmtp) return examine_folder(config.folder, findings);
  findings.attempt("mail server", "look at email: smtp, and the network",
                   [&] { examine_server(config, findings); });
}

}  // namespace kinbox::cli
