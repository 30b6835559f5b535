#include "core/json_document.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <charconv>
#include <cstdint>
#include <cstring>
#include <forward_list>

#include "core/utf8.hpp"

namespace kinbox {
namespace {

constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

enum class Inside : unsigned char { kPlain, kQuote, kEscape, kControl, kMultibyte };

constexpr std::array<Inside, 256> classify_string_bytes() {
  std::array<Inside, 256> classes{};
  for (std::size_t byte = 0; byte < classes.size(); ++byte)
    classes[byte] = byte < 0x20   ? Inside::kControl
                    : byte < 0x80 ? Inside::kPlain
                                  : Inside::kMultibyte;
  classes['"'] = Inside::kQuote;
  classes['\\'] = Inside::kEscape;
  return classes;
}

constexpr auto kInside = classify_string_bytes();

/// A word with `byte` in each of its eight.
constexpr std::uint64_t each(unsigned char byte) { return 0x0101010101010101U * byte; }

/// How many of the eight bytes come before the first that is not plain. Borrows of the subtractions
/// go upwards only, so the lowest mark is right.
std::size_t plain_bytes(const char* at) {
  std::uint64_t word = 0;
  std::memcpy(&word, at, sizeof word);
  const auto quote = word ^ each('"');
  const auto escape = word ^ each('\\');
  const auto marks = (((word - each(0x20)) & ~word) | ((quote - each(1)) & ~quote) |
                      ((escape - each(1)) & ~escape) | word) &
                     each(0x80);
  return static_cast<std::size_t>(std::countr_zero(marks)) / 8;
}

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_space(char c) { return c == ' ' || c == '\n' || c == '\t' || c == '\r'; }

class Reader {
 public:
  Reader(std::string_view text, JsonLimits limits)
      : at_(text.data()), end_(text.data() + text.size()), limits_(limits) {
    document_.max_depth = limits.max_depth;
  }

  JsonRead read();
  bool read_number_only() { return number() && at_ == end_; }

 private:
  bool value(JsonValue& out, int depth);
  bool scan(JsonKind& kind, int depth);
  bool object(int depth);
  bool array(int depth);
  bool member(JsonChild& child, int depth);
  bool string();
  void skip_plain();
  bool escape();
  bool code_unit(std::uint32_t& unit);
  bool number();
  bool digits();
  bool word(std::string_view expected);
  bool fits(int depth);
  void skip_space();
  bool take(char c);

  const char* at_;
  const char* const end_;
  const JsonLimits limits_;
  JsonDocument document_;
  JsonFault fault_ = JsonFault::kSyntax;
  /// Of the string that was read last.
  bool string_has_escapes_ = false;
};

/// The token around the key: a member's key has its quotes next to it.
std::string unescaped_key(const JsonChild& child) {
  return json_string({child.key.data() - 1, child.key.size() + 2});
}

/// Keys as they read, so that "id" and "\u0069d" are one.
bool has_duplicate_keys_as_read(const std::vector<JsonChild>& children) {
  std::forward_list<std::string> unescaped;
  std::vector<std::string_view> keys;
  keys.reserve(children.size());
  for (const auto& child : children)
    keys.push_back(child.key_has_escapes ? unescaped.emplace_front(unescaped_key(child))
                                         : child.key);
  std::sort(keys.begin(), keys.end());
  return std::adjacent_find(keys.begin(), keys.end()) != keys.end();
}

bool has_duplicate_keys(const std::vector<JsonChild>& children) {
  // Most envelopes have a few plain keys, of different lengths: nothing is copied, little compared.
  constexpr std::size_t kFew = 16;
  if (children.size() > kFew || std::ranges::any_of(children, &JsonChild::key_has_escapes))
    return has_duplicate_keys_as_read(children);
  for (auto child = children.begin(); child != children.end(); ++child)
    if (std::ranges::find(children.begin(), child, child->key, &JsonChild::key) != child)
      return true;
  return false;
}

JsonRead Reader::read() {
  if (std::string_view(at_, static_cast<std::size_t>(end_ - at_)).starts_with(kByteOrderMark))
    at_ += kByteOrderMark.size();
  skip_space();
  // What an envelope usually has: one allocation instead of four.
  if (at_ != end_ && *at_ == '{') document_.children.reserve(12);
  if (!value(document_.root, 0)) return fault_;
  skip_space();
  if (at_ != end_) return JsonFault::kSyntax;
  if (document_.root.kind == JsonKind::kObject && has_duplicate_keys(document_.children))
    return JsonFault::kDuplicateKey;
  return std::move(document_);
}

bool Reader::value(JsonValue& out, int depth) {
  const char* const start = at_;
  if (at_ == end_ || !scan(out.kind, depth)) return false;
  out.token = {start, static_cast<std::size_t>(at_ - start)};
  return true;
}

bool Reader::scan(JsonKind& kind, int depth) {
  switch (*at_) {
    case '{':
      kind = JsonKind::kObject;
      return object(depth + 1);
    case '[':
      kind = JsonKind::kArray;
      return array(depth + 1);
    case '"':
      kind = JsonKind::kString;
      return string();
    case 't':
      kind = JsonKind::kBoolean;
      return word("true");
    case 'f':
      kind = JsonKind::kBoolean;
      return word("false");
    case 'n':
      kind = JsonKind::kNull;
      return word("null");
    default:
      kind = JsonKind::kNumber;
      return number();
  }
}

bool Reader::object(int depth) {
  if (!fits(depth)) return false;
  ++at_;
  skip_space();
  if (take('}')) return true;
  do {
    skip_space();
    JsonChild child;
    if (!member(child, depth)) return false;
    if (depth == 1) document_.children.push_back(child);
    skip_space();
  } while (take(','));
  return take('}');
}

bool Reader::member(JsonChild& child, int depth) {
  const char* const key = at_ + 1;
  if (at_ == end_ || *at_ != '"' || !string()) return false;
  child.key = {key, static_cast<std::size_t>(at_ - key) - 1};
  child.key_has_escapes = string_has_escapes_;
  skip_space();
  if (!take(':')) return false;
  skip_space();
  return value(child.value, depth);
}

bool Reader::array(int depth) {
  if (!fits(depth)) return false;
  ++at_;
  skip_space();
  if (take(']')) return true;
  do {
    skip_space();
    JsonChild element;
    if (!value(element.value, depth)) return false;
    if (depth == 1 && document_.children.size() < limits_.elements)
      document_.children.push_back(element);
    skip_space();
  } while (take(','));
  return take(']');
}

/// Most of a payload is the inside of strings.
void Reader::skip_plain() {
  if constexpr (std::endian::native == std::endian::little) {
    while (end_ - at_ >= 8) {
      const auto plain = plain_bytes(at_);
      at_ += plain;
      if (plain < 8) return;
    }
  }
  while (at_ != end_ && kInside[static_cast<unsigned char>(*at_)] == Inside::kPlain) ++at_;
}

bool Reader::string() {
  ++at_;
  string_has_escapes_ = false;
  for (skip_plain(); at_ != end_; skip_plain()) {
    switch (kInside[static_cast<unsigned char>(*at_)]) {
      case Inside::kPlain:
        break;
      case Inside::kQuote:
        ++at_;
        return true;
      case Inside::kEscape:
        string_has_escapes_ = true;
        if (!escape()) return false;
        break;
      case Inside::kControl:
        return false;
      case Inside::kMultibyte:
        const auto length = utf8_sequence(at_, end_);
        if (length == 0) return false;
        at_ += length;
        break;
    }
  }
  return false;
}

bool Reader::escape() {
  ++at_;
  if (at_ == end_) return false;
  if (*at_ != 'u') {
    if (std::string_view("\"\\/bfnrt").find(*at_) == std::string_view::npos) return false;
    ++at_;
    return true;
  }
  std::uint32_t unit = 0;
  if (!code_unit(unit)) return false;
  if (unit < 0xD800 || unit > 0xDFFF) return true;
  // Half a character: without its other half it is no text in any encoding.
  std::uint32_t low = 0;
  return unit <= 0xDBFF && take('\\') && at_ != end_ && *at_ == 'u' && code_unit(low) &&
         low >= 0xDC00 && low <= 0xDFFF;
}

/// `at_` is on the 'u'.
bool Reader::code_unit(std::uint32_t& unit) {
  ++at_;
  if (end_ - at_ < 4) return false;
  const auto [stop, error] = std::from_chars(at_, at_ + 4, unit, 16);
  if (error != std::errc{} || stop != at_ + 4) return false;
  at_ = stop;
  return true;
}

bool Reader::number() {
  take('-');
  if (!take('0') && !digits()) return false;
  if (take('.') && !digits()) return false;
  if (take('e') || take('E')) {
    if (!take('+')) take('-');
    return digits();
  }
  return true;
}

bool Reader::digits() {
  const char* const start = at_;
  while (at_ != end_ && is_digit(*at_)) ++at_;
  return at_ != start;
}

bool Reader::word(std::string_view expected) {
  if (!std::string_view(at_, static_cast<std::size_t>(end_ - at_)).starts_with(expected))
    return false;
  at_ += expected.size();
  return true;
}

bool Reader::fits(int depth) {
  if (depth <= limits_.max_depth) return true;
  fault_ = JsonFault::kTooDeep;
  return false;
}

void Reader::skip_space() {
  while (at_ != end_ && is_space(*at_)) ++at_;
}

bool Reader::take(char c) {
  if (at_ == end_ || *at_ != c) return false;
  ++at_;
  return true;
}

bool key_reads(const JsonChild& child, std::string_view name) {
  return child.key_has_escapes ? unescaped_key(child) == name : child.key == name;
}

}  // namespace

const JsonValue* JsonDocument::member(std::string_view name) const {
  if (root.kind != JsonKind::kObject) return nullptr;
  const auto found = std::find_if(children.begin(), children.end(),
                                  [&](const JsonChild& child) { return key_reads(child, name); });
  return found == children.end() ? nullptr : &found->value;
}

JsonRead read_json(std::string_view text, JsonLimits limits) { return Reader(text, limits).read(); }

bool json_starts_with(std::string_view text, std::string_view first) {
  if (text.starts_with(kByteOrderMark)) text.remove_prefix(kByteOrderMark.size());
  while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
  return text.starts_with(first);
}

bool is_json_number(std::string_view text) { return Reader(text, {}).read_number_only(); }

}  // namespace kinbox
