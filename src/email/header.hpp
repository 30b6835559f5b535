#pragma once

#include <string>
#include <string_view>

#include "kinbox/email/letter.hpp"

namespace kinbox::email {

/// Lines of a mail's header, each with its CRLF and folded to 76 characters. `field` is how an
/// error calls the text; all throw LetterError.

/// Text without structure, as in Subject. What is not plain ASCII becomes RFC 2047 encoded words.
std::string text_header(std::string_view name, std::string_view field, std::string_view text);

/// One mailbox, its name as atoms, quoted or encoded, whichever it needs.
std::string mailbox_header(std::string_view name, std::string_view field, const Mailbox& mailbox);

/// A Message-ID, which is never folded.
std::string message_id_header(std::string_view message_id);

}  // namespace kinbox::email
