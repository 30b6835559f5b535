#include "postgres/parameters.hpp"

#include <array>
#include <charconv>
#include <cmath>
#include <limits>

#include "kinbox/errors.hpp"

namespace kinbox::postgres {
namespace {

constexpr int kText = 0;
constexpr int kBinary = 1;
constexpr auto kNotInTexts = static_cast<std::size_t>(-1);

void refuse_nul(std::string_view text) {
  if (text.find('\0') == std::string_view::npos) return;
  throw SqlError("a text argument holds the character NUL, which PostgreSQL cannot store", "22021");
}

int length_of(Bytes bytes) {
  if (bytes.size() > static_cast<std::size_t>(std::numeric_limits<int>::max()))
    throw SqlError("an argument of " + std::to_string(bytes.size()) + " bytes is too long",
                   "54000");
  return static_cast<int>(bytes.size());
}

std::string number_text(double value) {
  if (std::isnan(value)) return "NaN";
  if (std::isinf(value)) return value > 0 ? "Infinity" : "-Infinity";
  std::array<char, 32> buffer;
  const auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value).ptr;
  return {buffer.data(), end};
}

void append_hex(std::string& out, Bytes bytes) {
  constexpr char kDigits[] = "0123456789abcdef";
  auto at = out.size();
  out.resize(at + 2 * bytes.size());
  for (const auto byte : bytes) {
    out[at++] = kDigits[std::to_integer<unsigned>(byte) >> 4];
    out[at++] = kDigits[std::to_integer<unsigned>(byte) & 15];
  }
}

/// Appends one element of an array literal.
struct AppendElement {
  std::string& out;

  void operator()(std::monostate) const { out += "NULL"; }
  void operator()(bool value) const { out += value ? "true" : "false"; }
  void operator()(std::int64_t value) const { out += std::to_string(value); }
  void operator()(double value) const { out += number_text(value); }
  void operator()(std::string_view text) const {
    refuse_nul(text);
    out += '"';
    for (;;) {
      const auto special = text.find_first_of("\"\\");
      out += text.substr(0, special);
      if (special == std::string_view::npos) break;
      out += '\\';
      out += text[special];
      text.remove_prefix(special + 1);
    }
    out += '"';
  }
  void operator()(Bytes bytes) const {
    out += "\"\\\\x";
    append_hex(out, bytes);
    out += '"';
  }
};

bool have_one_text(std::span<const SqlParam> rows, std::size_t columns, std::size_t column) {
  const auto* first = std::get_if<std::string_view>(&rows[column].value());
  if (first == nullptr) return false;
  for (std::size_t at = column + columns; at < rows.size(); at += columns) {
    const auto* text = std::get_if<std::string_view>(&rows[at].value());
    if (text == nullptr || *text != *first) return false;
  }
  return true;
}

}  // namespace

void Parameters::assign(std::span<const SqlParam> params) {
  texts_.clear();
  begins_.clear();
  values_.clear();
  lengths_.clear();
  formats_.clear();
  size_ = 0;
  for (const auto& param : params) add(param);
  // Only now do the texts stay where they are.
  for (std::size_t i = 0; i < begins_.size(); ++i)
    if (begins_[i] != kNotInTexts) values_[i] = texts_.data() + begins_[i];
  size_ += texts_.size();
}

void Parameters::add(const SqlParam& param) {
  if (const auto* bytes = std::get_if<Bytes>(&param.value())) {
    // A null pointer would be NULL; empty bytes are not.
    values_.push_back(bytes->empty() ? "" : as_text(*bytes).data());
    begins_.push_back(kNotInTexts);
    lengths_.push_back(length_of(*bytes));
    formats_.push_back(kBinary);
    size_ += bytes->size();
  } else if (const auto* text = std::get_if<std::string_view>(&param.value())) {
    refuse_nul(*text);
    add_text(*text);
  } else if (const auto* flag = std::get_if<bool>(&param.value())) {
    add_text(*flag ? "true" : "false");
  } else if (const auto* number = std::get_if<std::int64_t>(&param.value())) {
    add_text(std::to_string(*number));
  } else if (const auto* real = std::get_if<double>(&param.value())) {
    add_text(number_text(*real));
  } else {
    values_.push_back(nullptr);
    begins_.push_back(kNotInTexts);
    lengths_.push_back(0);
    formats_.push_back(kText);
  }
}

void Parameters::add_text(std::string_view text) {
  begins_.push_back(texts_.size());
  texts_.append(text);
  texts_ += '\0';
  values_.push_back(nullptr);
  lengths_.push_back(0);
  formats_.push_back(kText);
}

void append_element(std::string& literal, const SqlParam& param) {
  std::visit(AppendElement{literal}, param.value());
}

ColumnArrays::ColumnArrays(std::span<const SqlParam> rows, std::size_t columns,
                           std::span<const std::size_t> often_equal)
    : arrays_(columns, "{") {
  std::vector<bool> is_shared(columns, false);
  for (const auto column : often_equal) {
    is_shared[column] = have_one_text(rows, columns, column);
    shared_.push_back(is_shared[column] ? rows[column] : SqlParam(nullptr));
  }
  for (std::size_t column = 0; column < columns; ++column) {
    auto& array = arrays_[column];
    for (std::size_t at = column; at < rows.size() && !is_shared[column]; at += columns) {
      if (array.size() > 1) array += ',';
      append_element(array, rows[at]);
    }
    array += '}';
  }
}

std::vector<SqlParam> ColumnArrays::params() const {
  std::vector<SqlParam> all(arrays_.begin(), arrays_.end());
  all.insert(all.end(), shared_.begin(), shared_.end());
  return all;
}

}  // namespace kinbox::postgres
