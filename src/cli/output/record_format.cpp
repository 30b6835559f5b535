#include "cli/output/record_format.hpp"

#include <charconv>
#include <cstdint>
#include <optional>

#include "cli/usage_error.hpp"

namespace kinbox::cli {
namespace {

constexpr std::string_view kTokens = "tpoTkKsSRh";

std::int64_t length_of(const std::optional<std::string>& bytes) {
  return bytes ? static_cast<std::int64_t>(bytes->size()) : -1;
}

std::string network_order(std::int64_t number) {
  const auto bits = static_cast<std::uint32_t>(number);
  std::string bytes;
  for (const int shift : {24, 16, 8, 0}) bytes += static_cast<char>(bits >> shift & 0xFF);
  return bytes;
}

std::string headers_of(const OwnedRecord& record) {
  std::string text;
  for (const auto& [name, value] : record.headers)
    text += (text.empty() ? "" : ",") + name + '=' + value.value_or("NULL");
  return text;
}

std::string text_of(char token, const OwnedRecord& record) {
  switch (token) {
    case 't':
      return record.topic;
    case 'p':
      return std::to_string(record.partition);
    case 'o':
      return std::to_string(record.offset);
    case 'T':
      return record.timestamp ? std::to_string(record.timestamp->time_since_epoch().count()) : "-1";
    case 'k':
      return record.key.value_or("");
    case 'K':
      return std::to_string(length_of(record.key));
    case 's':
      return record.value.value_or("");
    case 'S':
      return std::to_string(length_of(record.value));
    case 'R':
      return network_order(length_of(record.value));
    default:
      return headers_of(record);
  }
}

/// A byte by its number, where `text` begins with one of that base; how much of it was used.
std::size_t take_byte(std::string_view text, int base, std::size_t most_digits, std::string& out) {
  const auto digits = text.substr(0, most_digits);
  unsigned byte = 0;
  const auto [end, error] =
      std::from_chars(digits.data(), digits.data() + digits.size(), byte, base);
  if (error != std::errc{} || byte > 0xFF) return 0;
  out += static_cast<char>(byte);
  return static_cast<std::size_t>(end - digits.data());
}

/// `text` is behind the backslash and not empty.
std::size_t take_escape(std::string_view text, std::string& out) {
  if (text[0] == 'x')
    if (const auto used = take_byte(text.substr(1), 16, 2, out)) return used + 1;
  if (const auto used = take_byte(text, 8, 3, out)) return used;
  out += text[0] == 'n' ? '\n' : text[0] == 'r' ? '\r' : text[0] == 't' ? '\t' : text[0];
  return 1;
}

}  // namespace

RecordFormat::RecordFormat(std::string_view format) {
  std::string text;
  for (std::size_t at = 0; at < format.size(); ++at) {
    const bool last = at + 1 == format.size();
    if (format[at] == '\\' && !last) {
      at += take_escape(format.substr(at + 1), text);
    } else if (format[at] != '%') {
      text += format[at];
    } else if (!last && format[at + 1] == '%') {
      text += format[++at];
    } else if (last || kTokens.find(format[at + 1]) == kTokens.npos) {
      throw UsageError("--format: \"" + std::string(format.substr(at, 2)) +
                       "\" is no token; there are %t %p %o %T %k %K %s %S %R %h and %%");
    } else {
      if (!text.empty()) parts_.push_back({.text = std::move(text)});
      text.clear();
      parts_.push_back({.token = format[++at]});
    }
  }
  if (!text.empty()) parts_.push_back({.text = std::move(text)});
}

void RecordFormat::print(std::ostream& out, const OwnedRecord& record) const {
  for (const auto& part : parts_)
    out << (part.token == 0 ? part.text : text_of(part.token, record));
}

}  // namespace kinbox::cli
