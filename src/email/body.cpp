#include "email/body.hpp"

#include <algorithm>

#include "core/base64.hpp"
#include "core/utf8.hpp"
#include "kinbox/email/letter.hpp"

namespace kinbox::email {
namespace {

constexpr std::size_t kMaxLine = 76;

/// LF becomes CRLF, CRLF stays, a CR alone stays what it is: no line end. The last line is ended.
std::string with_crlf(std::string_view text) {
  std::string result;
  result.reserve(text.size() + text.size() / 16 + 2);
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\n' && (i == 0 || text[i - 1] != '\r')) result += '\r';
    result += text[i];
  }
  if (!result.ends_with("\r\n")) result += "\r\n";
  return result;
}

/// RFC 2045, 6.7.
bool is_literal(char c) { return (c >= ' ' && c <= '~' && c != '=') || c == '\t'; }
bool is_blank(char c) { return c == ' ' || c == '\t'; }

void append_quoted(std::string& text, char c) {
  constexpr std::string_view kHex = "0123456789ABCDEF";
  const auto byte = static_cast<unsigned char>(c);
  text += {'=', kHex[byte >> 4], kHex[byte & 15]};
}

/// One line, without its end. What is left of it stands behind soft line breaks.
void append_quoted_line(std::string& text, std::string_view line) {
  std::size_t column = 0;
  for (std::size_t i = 0; i < line.size(); ++i) {
    const bool last = i + 1 == line.size();
    const bool literal = is_literal(line[i]) && !(last && is_blank(line[i]));
    const std::size_t size = literal ? 1 : 3;
    // The '=' of a soft break needs a column, unless this is all there is.
    if (column + size > kMaxLine - (last ? 0 : 1)) {
      text += "=\r\n";
      column = 0;
    }
    if (literal)
      text += line[i];
    else
      append_quoted(text, line[i]);
    column += size;
  }
}

std::string quoted_printable(std::string_view text) {
  std::string result;
  while (!text.empty()) {
    const auto end = text.find("\r\n");
    append_quoted_line(result, text.substr(0, end));
    result += "\r\n";
    text.remove_prefix(end + 2);
  }
  return result;
}

std::string base64_lines(std::string_view text) {
  constexpr std::size_t kBytes = kMaxLine / 4 * 3;
  std::string result;
  for (; !text.empty(); text.remove_prefix(std::min(kBytes, text.size())))
    result.append(base64_encode(text.substr(0, kBytes))).append("\r\n");
  return result;
}

bool is_mostly_ascii(std::string_view text) {
  const auto quoted = std::count_if(
      text.begin(), text.end(), [](char c) { return !is_literal(c) && c != '\r' && c != '\n'; });
  // Three characters for one, against four for three of all.
  return static_cast<std::size_t>(quoted) * 6 <= text.size();
}

}  // namespace

std::string text_part(std::string_view content_type, std::string_view field,
                      std::string_view text) {
  if (!is_utf8(text))
    throw LetterError("e-mail: " + std::string(field) + " is not UTF-8", "not_utf8");
  const auto lines = with_crlf(text);
  const bool quoted = is_mostly_ascii(lines);
  return std::string("Content-Type: ")
      .append(content_type)
      .append("; charset=utf-8\r\nContent-Transfer-Encoding: ")
      .append(quoted ? "quoted-printable" : "base64")
      .append("\r\n\r\n")
      .append(quoted ? quoted_printable(lines) : base64_lines(lines));
}

}  // namespace kinbox::email
