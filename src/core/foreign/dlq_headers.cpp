#include "core/foreign/dlq_headers.hpp"

#include <algorithm>
#include <charconv>
#include <limits>
#include <system_error>

#include "core/iso_time.hpp"
#include "core/storable_text.hpp"
#include "core/topic_name.hpp"

namespace kinbox::foreign {
namespace {

constexpr std::size_t kMaxWords = 8192;
constexpr std::size_t kMaxName = 512;

bool is_printable(std::string_view bytes) {
  return std::all_of(bytes.begin(), bytes.end(), [](char c) { return c >= ' ' && c <= '~'; });
}

std::optional<std::int64_t> decimal(std::string_view text) {
  std::int64_t number = 0;
  const auto* const end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, number);
  if (error != std::errc{} || rest != end) return std::nullopt;
  return number;
}

std::optional<std::int64_t> big_endian(std::string_view bytes) {
  if (bytes.empty() || bytes.size() > sizeof(std::int64_t)) return std::nullopt;
  const auto byte = [&](std::size_t i) -> std::int64_t {
    return static_cast<unsigned char>(bytes[i]);
  };
  // The sign is that of the first byte.
  auto number = byte(0) < 0x80 ? byte(0) : byte(0) - 0x100;
  for (std::size_t i = 1; i < bytes.size(); ++i) number = number * 0x100 + byte(i);
  return number;
}

}  // namespace

std::optional<std::string_view> DlqHeaders::find(std::string_view name, Which which) const {
  const auto& all = record_->headers();
  const auto is_it = [&](const Header& header) { return header.name == name && header.value; };
  if (which == Which::kFirst) {
    const auto found = std::find_if(all.begin(), all.end(), is_it);
    return found == all.end() ? std::nullopt : std::optional(as_text(*found->value));
  }
  const auto found = std::find_if(all.rbegin(), all.rend(), is_it);
  return found == all.rend() ? std::nullopt : std::optional(as_text(*found->value));
}

void DlqHeaders::note(std::string_view name, std::string_view what) {
  damaged_.push_back("header " + std::string(name) + ' ' + std::string(what));
}

std::string DlqHeaders::words(std::string_view name) {
  return storable_text(find(name, Which::kLast).value_or(""), kMaxWords);
}

std::optional<std::string> DlqHeaders::name(std::string_view name, Which which) {
  const auto value = find(name, which);
  if (!value) return std::nullopt;
  if (!value->empty() && value->size() <= kMaxName && is_storable_text(*value))
    return std::string(*value);
  note(name, value->empty() ? "is empty" : "is no name");
  return std::nullopt;
}

std::optional<std::string> DlqHeaders::topic(std::string_view name, Which which) {
  const auto value = find(name, which);
  if (!value) return std::nullopt;
  if (is_topic_name(*value)) return std::string(*value);
  note(name, "is no topic's name");
  return std::nullopt;
}

std::optional<std::int64_t> DlqHeaders::number(std::string_view name, Form form, Which which) {
  const auto value = find(name, which);
  if (!value) return std::nullopt;
  // Bytes that are all characters would be a number beyond every partition, offset and date.
  const bool is_text = form == Form::kText || is_printable(*value);
  const auto number = is_text ? decimal(*value) : big_endian(*value);
  if (!number) note(name, "is no number");
  return number;
}

std::optional<std::int32_t> DlqHeaders::partition(std::string_view name, Form form, Which which) {
  const auto number = this->number(name, form, which);
  if (!number) return std::nullopt;
  if (*number >= 0 && *number <= std::numeric_limits<std::int32_t>::max())
    return static_cast<std::int32_t>(*number);
  note(name, "is no partition");
  return std::nullopt;
}

std::optional<Offset> DlqHeaders::offset(std::string_view name, Form form, Which which) {
  const auto number = this->number(name, form, which);
  if (!number || *number >= 0) return number;
  note(name, "is no offset");
  return std::nullopt;
}

std::optional<Timestamp> DlqHeaders::time(std::string_view name) {
  const auto value = find(name, Which::kLast);
  if (!value) return std::nullopt;
  const auto time = parse_iso(*value);
  if (!time) note(name, "is no time");
  return time;
}

std::optional<Timestamp> DlqHeaders::milliseconds(std::string_view name, Form form, Which which) {
  const auto number = this->number(name, form, which);
  if (!number) return std::nullopt;
  const Timestamp time{std::chrono::milliseconds{*number}};
  if (is_writable(time)) return time;
  note(name, "is no time");
  return std::nullopt;
}

bool is_writable(Timestamp time) {
  using namespace std::chrono;
  constexpr Timestamp kEnd = sys_days{year{10000} / January / 1};
  return time >= Timestamp{} && time < kEnd;
}

std::string first_place(std::string_view stack_trace) {
  while (!stack_trace.empty()) {
    auto line = stack_trace.substr(0, stack_trace.find('\n'));
    stack_trace.remove_prefix(std::min(line.size() + 1, stack_trace.size()));
    line.remove_prefix(std::min(line.find_first_not_of(" \t"), line.size()));
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line.starts_with("at ")) return storable_text(line, kMaxWords);
  }
  return {};
}

}  // namespace kinbox::foreign
