#include "core/error_group.hpp"

#include <xxhash.h>

#include <algorithm>
#include <cstdio>

#include "core/storable_text.hpp"

namespace kinbox {
namespace {

constexpr std::size_t kLongestText = 1024;
// As long as the database keeps them.
constexpr std::size_t kLongestName = 512;
// 16 bytes in base64; shorter ones mostly hold a digit.
constexpr std::size_t kShortestBase64 = 22;
constexpr std::string_view kBetweenVarying = ".,:;/_+@-";

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_upper(char c) { return c >= 'A' && c <= 'Z'; }
bool is_lower(char c) { return c >= 'a' && c <= 'z'; }
bool is_space(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }
// Beyond ASCII every byte is part of some letter.
bool is_word(char c) {
  return is_digit(c) || is_upper(c) || is_lower(c) || static_cast<unsigned char>(c) >= 0x80;
}
bool is_hex(char c) { return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'); }
bool is_base64(char c) {
  return is_digit(c) || is_upper(c) || is_lower(c) || c == '+' || c == '/' || c == '-' || c == '_';
}

template <typename Is>
std::size_t run(std::string_view text, Is is) {
  return static_cast<std::size_t>(std::find_if_not(text.begin(), text.end(), is) - text.begin());
}

/// Bytes of the quotation `text` begins with, quotes included; 0 if it begins with none. An
/// apostrophe inside a word opens and closes nothing.
std::size_t quotation(std::string_view text, char before) {
  const char quote = text.front();
  if ((quote != '"' && quote != '\'' && quote != '`') || is_word(before)) return 0;
  for (std::size_t at = 1; at < text.size(); ++at) {
    if (text[at] == '\\') {
      ++at;
    } else if (text[at] == quote && (at + 1 == text.size() || !is_word(text[at + 1]))) {
      return at + 1;
    }
  }
  return 0;
}

/// Of "=(value)" as PostgreSQL's DETAIL has it.
std::size_t column_value(std::string_view text) {
  if (!text.starts_with("=(")) return 0;
  const auto end = text.find(')');
  return end == text.npos ? 0 : end + 1;
}

std::size_t uuid(std::string_view text) {
  std::size_t at = 0;
  for (const std::size_t digits : {8, 4, 4, 4, 12}) {
    if (at > 0 && (at >= text.size() || text[at++] != '-')) return 0;
    if (run(text.substr(at), is_hex) < digits) return 0;
    at += digits;
  }
  return at < text.size() && is_word(text[at]) ? 0 : at;
}

/// Random characters change their kind far more often than names and paths do.
bool looks_random(std::string_view text) {
  const auto kind = [](char c) { return is_digit(c) ? 0 : is_upper(c) ? 1 : is_lower(c) ? 2 : 3; };
  std::size_t changes = 0;
  for (std::size_t i = 1; i < text.size(); ++i) changes += kind(text[i]) != kind(text[i - 1]);
  return changes * 3 >= text.size();
}

std::size_t base64(std::string_view text) {
  const auto length = run(text, is_base64);
  if (length < kShortestBase64 || !looks_random(text.substr(0, length))) return 0;
  return length + run(text.substr(length), [](char c) { return c == '='; });
}

std::size_t word_with_digit(std::string_view text) {
  const auto length = run(text, is_word);
  const auto word = text.substr(0, length);
  return std::any_of(word.begin(), word.end(), is_digit) ? length : 0;
}

class Normaliser {
 public:
  std::string run_over(std::string_view text) {
    while (!text.empty()) text.remove_prefix(step(text));
    return std::move(result_);
  }

 private:
  std::size_t step(std::string_view text) {
    if (const auto length = varying(text)) {
      star();
      before_ = text[length - 1];
      return length;
    }
    if (const auto length = column_value(text)) {
      result_ += "=(*)";
      before_ = ')';
      return length;
    }
    if (is_space(text.front())) return space(text);
    const auto length = std::max<std::size_t>(run(text, is_word), 1);
    result_ += text.substr(0, length);
    before_ = text[length - 1];
    return length;
  }

  std::size_t varying(std::string_view text) const {
    if (const auto length = quotation(text, before_)) return length;
    if (is_word(before_)) return 0;
    if (const auto length = uuid(text)) return length;
    if (const auto length = base64(text)) return length;
    return word_with_digit(text);
  }

  std::size_t space(std::string_view text) {
    if (!result_.empty() && result_.back() != ' ') result_ += ' ';
    before_ = ' ';
    return run(text, is_space);
  }

  /// "17, 18, 19" and "2026-01-31T12:00" are one.
  void star() {
    std::string_view rest = result_;
    if (rest.ends_with(' ')) rest.remove_suffix(1);
    if (!rest.empty() && kBetweenVarying.find(rest.back()) != rest.npos) {
      rest.remove_suffix(1);
      if (rest.ends_with('*')) {
        result_.resize(rest.size());
        return;
      }
    }
    drop_sign();
    result_ += '*';
  }

  void drop_sign() {
    if (!result_.ends_with('-') && !result_.ends_with('+')) return;
    if (result_.size() == 1 || !is_word(result_[result_.size() - 2])) result_.pop_back();
  }

  std::string result_;
  char before_ = ' ';
};

}  // namespace

std::string normalised_error_text(std::string_view text) {
  return Normaliser().run_over(storable_text(text, kLongestText));
}

std::string error_group(const Failure& failure) {
  std::string cause;
  // NUL is in none of them.
  for (const std::string* name : {&failure.handler, &failure.error_type, &failure.error_code})
    cause += storable_text(*name, kLongestName) + '\0';
  cause += normalised_error_text(failure.error_text);
  char digits[17];
  std::snprintf(digits, sizeof digits, "%016llx",
                static_cast<unsigned long long>(XXH3_64bits(cause.data(), cause.size())));
  return digits;
}

}  // namespace kinbox
