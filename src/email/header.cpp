#include "email/header.hpp"

#include <algorithm>
#include <vector>

#include "core/base64.hpp"
#include "core/utf8.hpp"

namespace kinbox::email {
namespace {

constexpr std::size_t kMaxLine = 76;
/// A longer word of ASCII is encoded, which can be cut anywhere.
constexpr std::size_t kMaxWord = 60;
/// RFC 5322, 2.1.1.
constexpr std::size_t kLongestLine = 998;

constexpr std::string_view kEncodedStart = "=?UTF-8?B?";
constexpr std::string_view kEncodedEnd = "?=";

bool is_control(char c) { return static_cast<unsigned char>(c) < ' ' || c == '\x7F'; }

bool has_control(std::string_view text) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (is_control(text[i])) return true;
    // U+0080 to U+009F.
    if (text[i] == '\xC2' && i + 1 < text.size() && static_cast<unsigned char>(text[i + 1]) < 0xA0)
      return true;
  }
  return false;
}

[[noreturn]] void refuse(std::string_view field, std::string_view what, const char* code) {
  std::string text("e-mail: ");
  throw LetterError(text.append(field).append(" ").append(what), code);
}

void require_harmless(std::string_view field, std::string_view text) {
  if (has_control(text))
    refuse(field, "holds a control character, such as a line break: it could end the header",
           "header_injection");
  if (!is_utf8(text)) refuse(field, "is not UTF-8", "not_utf8");
}

/// Grows by words, and breaks the line before one that does not fit.
class FoldedLine {
 public:
  explicit FoldedLine(std::string_view name) : text_(name), column_(name.size() + 1) {
    text_ += ':';
  }

  void add(std::string_view word) {
    if (column_ + 1 + word.size() > kMaxLine && !fresh_) break_line();
    text_.append(" ").append(word);
    column_ += 1 + word.size();
    fresh_ = false;
  }

  /// Characters that a word may have to stay on this line.
  std::size_t room() const { return kMaxLine - std::min(kMaxLine, column_ + 1); }

  void break_line() {
    text_ += "\r\n";
    column_ = 0;
  }

  std::string finish() && { return std::move(text_) + "\r\n"; }

 private:
  std::string text_;
  std::size_t column_;
  /// Nothing but the name yet: a first line without content is none.
  bool fresh_ = true;
};

/// Bytes of `text` up to the last character that ends within `max`.
std::size_t whole_characters(std::string_view text, std::size_t max) {
  const char* const end = text.data() + text.size();
  std::size_t size = 0;
  while (size < text.size()) {
    const auto length = utf8_sequence(text.data() + size, end);
    if (size + length > max) break;
    size += length;
  }
  return size;
}

void add_encoded(FoldedLine& line, std::string_view text) {
  constexpr std::size_t kFrame = kEncodedStart.size() + kEncodedEnd.size();
  constexpr std::size_t kWorthStarting = 12;
  while (!text.empty()) {
    if (line.room() < kFrame + kWorthStarting) line.break_line();
    const auto size = whole_characters(text, (line.room() - kFrame) / 4 * 3);
    std::string word(kEncodedStart);
    line.add(word.append(base64_encode(text.substr(0, size))).append(kEncodedEnd));
    text.remove_prefix(size);
  }
}

/// `text` at its spaces; nothing if that would lose one of them, or a word is too long for a line,
/// or what is written would not be read as what it is.
std::vector<std::string_view> plain_words(std::string_view text) {
  const auto is_plain = [](char c) { return c >= ' ' && c < '\x7F'; };
  if (!std::all_of(text.begin(), text.end(), is_plain) || text.find("=?") != text.npos) return {};
  std::vector<std::string_view> words;
  for (std::size_t start = 0; start <= text.size();) {
    const auto end = std::min(text.find(' ', start), text.size());
    if (end == start || end - start > kMaxWord) return {};
    words.push_back(text.substr(start, end - start));
    start = end + 1;
  }
  return words;
}

/// RFC 5322, 3.2.3.
bool is_atom(std::string_view word) {
  return std::all_of(word.begin(), word.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view("!#$%&'*+-/=?^_`{|}~").find(c) != std::string_view::npos;
  });
}

std::string quoted(std::string_view text) {
  std::string result("\"");
  for (const char c : text) {
    if (c == '"' || c == '\\') result += '\\';
    result += c;
  }
  return result + '"';
}

void add_name(FoldedLine& line, std::string_view name) {
  const auto words = plain_words(name);
  if (words.empty()) {
    add_encoded(line, name);
  } else if (std::all_of(words.begin(), words.end(), is_atom)) {
    for (const auto word : words) line.add(word);
  } else if (name.size() <= kMaxWord) {
    line.add(quoted(name));
  } else {
    add_encoded(line, name);
  }
}

}  // namespace

std::string text_header(std::string_view name, std::string_view field, std::string_view text) {
  require_harmless(field, text);
  FoldedLine line(name);
  const auto words = plain_words(text);
  for (const auto word : words) line.add(word);
  if (words.empty()) add_encoded(line, text);
  return std::move(line).finish();
}

std::string mailbox_header(std::string_view name, std::string_view field, const Mailbox& mailbox) {
  const std::string prefix(field);
  require_harmless(prefix + ".name", mailbox.name);
  require_harmless(prefix + ".address", mailbox.address);
  if (!is_usable_address(mailbox.address))
    refuse(prefix + ".address", "is no address that can be used", "address_unusable");
  FoldedLine line(name);
  add_name(line, mailbox.name);
  line.add(mailbox.name.empty() ? mailbox.address : '<' + mailbox.address + '>');
  return std::move(line).finish();
}

std::string message_id_header(std::string_view message_id) {
  constexpr std::string_view kName = "Message-ID";
  require_harmless("Message-ID", message_id);
  const bool framed = message_id.size() > 2 && message_id.starts_with('<') &&
                      message_id.ends_with('>') &&
                      kName.size() + 2 + message_id.size() <= kLongestLine;
  const auto inside = framed ? message_id.substr(1, message_id.size() - 2) : message_id;
  const auto at = inside.find('@');
  const bool usable = framed && at != std::string_view::npos && at > 0 && at + 1 < inside.size() &&
                      inside.find('@', at + 1) == std::string_view::npos &&
                      std::all_of(inside.begin(), inside.end(), [](char c) {
                        return c > ' ' && c < '\x7F' && c != '<' && c != '>';
                      });
  if (!usable)
    refuse("Message-ID", "is not <left@right> in at most 998 characters of ASCII",
           "message_id_unusable");
  return std::string(kName).append(": ").append(message_id).append("\r\n");
}

}  // namespace kinbox::email
