#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "kinbox/record.hpp"

namespace kinbox::foreign {

/// The headers that a framework added to a record, by name. One whose value is null counts as
/// absent; one that cannot be read does too, after its name and the reason were noted.
///
/// `record` must outlive this.
class DlqHeaders {
 public:
  /// Which of several headers of one name. A record that fails again and again gets more of them:
  /// the first tells where it came from, the last why it ended.
  enum class Which { kFirst, kLast };

  /// How numbers are written. Java's is decimal text as well, or one to eight bytes, big-endian: an
  /// int, a long, a BigInteger.
  enum class Form { kText, kJava };

  explicit DlqHeaders(const Record& record) : record_(&record) {}

  /// Any bytes, as text for people: what is not UTF-8 becomes U+FFFD.
  std::string words(std::string_view name);
  /// What must be right to the letter: UTF-8 without NUL, 1 to 512 bytes.
  std::optional<std::string> name(std::string_view name, Which which = Which::kLast);
  /// The name of a topic.
  std::optional<std::string> topic(std::string_view name, Which which = Which::kLast);
  std::optional<std::int64_t> number(std::string_view name, Form form = Form::kText,
                                     Which which = Which::kLast);
  std::optional<std::int32_t> partition(std::string_view name, Form form = Form::kText,
                                        Which which = Which::kLast);
  std::optional<Offset> offset(std::string_view name, Form form = Form::kText,
                               Which which = Which::kLast);
  /// ISO 8601.
  std::optional<Timestamp> time(std::string_view name);
  /// Milliseconds since 1970.
  std::optional<Timestamp> milliseconds(std::string_view name, Form form, Which which);

  const Record& record() const noexcept { return *record_; }
  std::vector<std::string> damaged() && { return std::move(damaged_); }

 private:
  std::optional<std::string_view> find(std::string_view name, Which which) const;
  void note(std::string_view name, std::string_view what);

  const Record* record_;
  std::vector<std::string> damaged_;
};

/// Whether both databases and iso_text can write it: of the years 1970 to 9999.
bool is_writable(Timestamp time);

/// Of a Java or .NET stack trace: the first line that names a place ("at Shop.pay(Shop.java:7)").
std::string first_place(std::string_view stack_trace);

}  // namespace kinbox::foreign
