#pragma once

#include <curl/curl.h>

#include <string>

#include "email/smtp_conversation.hpp"
#include "kinbox/email/smtp.hpp"

namespace kinbox::email {

/// What libcurl knows about a connection that failed.
struct CurlFailure {
  CURLcode code = CURLE_OK;
  /// Its words.
  std::string text = {};
};

/// Why nothing more is heard from the server, and which setting to look at. One line.
std::string describe_trouble(const SmtpSettings& settings, const CurlFailure& failure,
                             const SmtpConversation& conversation);

}  // namespace kinbox::email
