#include "email/smtp_trouble.hpp"

#include "email/smtp_settings.hpp"

namespace kinbox::email {
namespace {

std::string deadline(const SmtpSettings& settings, const SmtpConversation& conversation) {
  // A server that waits for TLS, or for anything else than SMTP, waits for us.
  const std::string what = conversation.mail_began()
                               ? "no answer in time"
                               : "no answer in time; look at port and security";
  return what + " (connect_timeout " + std::to_string(settings.connect_timeout.count()) +
         " ms, delivery_timeout " + std::to_string(settings.delivery_timeout.count()) + " ms)";
}

std::string certificate(const SmtpSettings& settings, const std::string& text) {
  // libcurl has one code for both, and says this of a name that differs.
  if (text.find("subject name") != std::string::npos)
    return "the certificate is for another host; look at host";
  return settings.ca_file.empty()
             ? "the certificate is by an authority that this machine does not trust; name its "
               "authority in ca_file"
             : "the certificate is not by the authority in ca_file";
}

/// Empty: libcurl's own words have to do.
std::string advice(const SmtpSettings& settings, const CurlFailure& failure,
                   const SmtpConversation& conversation) {
  switch (failure.code) {
    case CURLE_COULDNT_RESOLVE_HOST:
      return "the name is not known; look at host";
    case CURLE_COULDNT_CONNECT:
      return "cannot connect; look at host and port";
    case CURLE_OPERATION_TIMEDOUT:
    case CURLE_ABORTED_BY_CALLBACK:
      return deadline(settings, conversation);
    case CURLE_PEER_FAILED_VERIFICATION:
      return certificate(settings, failure.text);
    case CURLE_SSL_CACERT_BADFILE:
      return "the certificates in ca_file cannot be read";
    case CURLE_SSL_CONNECT_ERROR:
      return "TLS cannot be started; look at port and security (tls is usual on 465, starttls on "
             "587)";
    case CURLE_USE_SSL_FAILED:
      return "the server offers no STARTTLS; look at port and security";
    case CURLE_LOGIN_DENIED:
      return "the login is refused; look at user and password";
    default:
      return "";
  }
}

}  // namespace

std::string describe_trouble(const SmtpSettings& settings, const CurlFailure& failure,
                             const SmtpConversation& conversation) {
  const auto server = "smtp " + server_name(settings) + ": ";
  const auto words = conversation.code() >= 400 ? conversation.reply() : failure.text;
  const auto known = advice(settings, failure, conversation);
  return known.empty() ? server + words : server + known + ": " + words;
}

}  // namespace kinbox::email
