#include "kinbox/record.hpp"

#include <algorithm>

namespace kinbox {
namespace {

std::optional<Bytes> view_of(const std::optional<std::string>& text) {
  if (!text) return std::nullopt;
  return as_bytes(*text);
}

std::optional<std::string> copy_of(std::optional<Bytes> bytes) {
  if (!bytes) return std::nullopt;
  return std::string(as_text(*bytes));
}

Record::Parts parts_of(const OwnedRecord& owned) {
  Record::Parts parts{.topic = owned.topic,
                      .partition = owned.partition,
                      .offset = owned.offset,
                      .timestamp = owned.timestamp,
                      .key = view_of(owned.key),
                      .value = view_of(owned.value),
                      .headers = {}};
  parts.headers.reserve(owned.headers.size());
  for (const auto& header : owned.headers)
    parts.headers.push_back({header.name, view_of(header.value)});
  return parts;
}

}  // namespace

Record::Record(OwnedRecord owned) : keep_alive_(nullptr, nullptr) {
  auto home = std::make_unique<OwnedRecord>(std::move(owned));
  parts_ = parts_of(*home);
  keep_alive_ =
      KeepAlive(home.release(), [](void* memory) { delete static_cast<OwnedRecord*>(memory); });
}

std::optional<Bytes> Record::header(std::string_view name) const noexcept {
  const auto& all = parts_.headers;
  const auto found = std::find_if(all.rbegin(), all.rend(),
                                  [&](const Header& header) { return header.name == name; });
  if (found == all.rend()) return std::nullopt;
  return found->value;
}

std::size_t Record::size() const noexcept {
  std::size_t bytes = (key() ? key()->size() : 0) + (value() ? value()->size() : 0);
  for (const auto& header : parts_.headers)
    bytes += header.name.size() + (header.value ? header.value->size() : 0);
  return bytes;
}

OwnedRecord Record::copy() const {
  OwnedRecord owned{.topic = std::string(topic()),
                    .partition = partition(),
                    .offset = offset(),
                    .timestamp = timestamp(),
                    .key = copy_of(key()),
                    .value = copy_of(value()),
                    .headers = {}};
  owned.headers.reserve(parts_.headers.size());
  for (const auto& header : parts_.headers)
    owned.headers.push_back({std::string(header.name), copy_of(header.value)});
  return owned;
}

}  // namespace kinbox
