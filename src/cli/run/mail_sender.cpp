#include "cli/run/mail_sender.hpp"

#include "cli/config/password_file.hpp"
#include "cli/config/sections.hpp"
#include "handlers/email_confirmation/templates.hpp"
#include "kinbox/email/folder_transport.hpp"
#include "kinbox/email/smtp.hpp"

namespace kinbox::cli {
namespace {

email::TransportFactory transports(const EmailConfig& config) {
  using Way = EmailConfig::Way;
  if (config.way == Way::kMaildir)
    return [folder = config.folder] { return email::make_maildir(folder); };
  if (config.way == Way::kFile)
    return [folder = config.folder] { return email::make_file(folder); };
  auto smtp = config.smtp;
  if (config.password_file)
    smtp.password = read_password("email.password_file", *config.password_file);
  return [smtp] { return email::make_smtp(smtp); };
}

email::Templates templates(const EmailConfig& config) {
  if (config.templates) return email::Templates(std::filesystem::path(*config.templates));
  return email::Templates(handlers::email_confirmation_templates());
}

}  // namespace

void require_usable(const EmailConfig& config) {
  templates(config);
  if (config.way == EmailConfig::Way::kSmtp) transports(config)();
}

std::unique_ptr<email::EmailSender> make_mail_sender(const EmailConfig& config,
                                                     DatabaseFactory databases,
                                                     Observer& observer) {
  return std::make_unique<email::EmailSender>(
      std::move(databases), transports(config), templates(config),
      email::SenderOptions{.from = config.from,
                           .reply_to = config.reply_to,
                           .threads = config.senders,
                           .rate = config.rate_per_second,
                           .delivery_timeout = config.smtp.delivery_timeout,
                           .on_unknown = config.on_unknown,
                           .retry = config.retry,
                           .target = transport_text(config)},
      observer);
}

}  // namespace kinbox::cli
