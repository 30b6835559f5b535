#include "cli/output/readable.hpp"

#include <string_view>

#include "core/base64.hpp"
#include "core/storable_text.hpp"

namespace kinbox::cli {
namespace {

constexpr std::string_view kMark = "base64:";

}  // namespace

std::string readable(const std::string& bytes) {
  return is_storable_text(bytes) ? bytes : std::string(kMark) + base64_encode(bytes);
}

std::string from_readable(const std::string& text) {
  return text.starts_with(kMark) ? base64_decode(std::string_view(text).substr(kMark.size()))
                                 : text;
}

std::optional<std::string> readable(const std::optional<ByteVector>& bytes) {
  if (!bytes) return std::nullopt;
  return readable(std::string(as_text(*bytes)));
}

}  // namespace kinbox::cli
