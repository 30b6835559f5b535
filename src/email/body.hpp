#pragma once

#include <string>
#include <string_view>

namespace kinbox::email {

/// A MIME part: its headers, an empty line and `text`, quoted-printable or in base64, whichever is
/// shorter. Lines end with CRLF and have at most 76 characters; the last one is ended too. The same
/// text gives the same bytes. `text` must be UTF-8 (LetterError, which calls it `field`).
std::string text_part(std::string_view content_type, std::string_view field, std::string_view text);

}  // namespace kinbox::email
