#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "kinbox/email_address.hpp"
#include "kinbox/errors.hpp"

namespace kinbox::email {

/// A mail that cannot be written as it was asked for: trying again cannot help. The text names the
/// field or the template, never what stands in it. `code()` is one of:
/// - `header_injection`: a control character (CR and LF among them) where a header would hold it;
/// - `not_utf8`: a text that is no UTF-8;
/// - `address_unusable`: an address that is none, or has more than ASCII;
/// - `message_id_unusable`: not `<left@right>`;
/// - `unknown_template`, `template_field_missing`, `template_field_kind`, `payload_unusable`: see
///   Templates::render.
class LetterError : public PermanentError {
  using PermanentError::PermanentError;
};

/// One mailbox of RFC 5322: `name` may be empty, and may be any UTF-8 text without control
/// characters.
struct Mailbox {
  std::string name = {};
  std::string address = {};
};

struct Letter {
  Mailbox from;
  std::optional<Mailbox> reply_to = {};
  Mailbox to;
  std::string subject;
  /// The body for those who read text. Lines end with LF or CRLF.
  std::string text;
  /// The same in HTML.
  std::optional<std::string> html = {};
  /// With its angle brackets.
  std::string message_id;
  std::chrono::system_clock::time_point date;
};

/// The letter as RFC 5322 and MIME have it: lines end with CRLF and hold at most 76 characters
/// (only an address or a Message-ID may be longer), all of it ASCII. Dots are not doubled: that is
/// the transport's business. The same letter gives the same bytes, and another date changes nothing
/// but the Date line.
///
/// Throws LetterError for what may not stand in a mail: nothing is repaired.
std::string compose(const Letter& letter);

}  // namespace kinbox::email
