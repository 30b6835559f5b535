#include "support/postgres_messages.hpp"

#include <algorithm>

namespace kinbox::testing {
namespace {

constexpr std::size_t kLength = 4;
// SSLRequest and GSSENCRequest hold a number only; StartupMessage holds more.
constexpr std::size_t kEncryptionRequest = 8;

}  // namespace

std::size_t PostgresMessages::before(int number, std::string_view bytes) {
  std::size_t at = 0;
  while (at < bytes.size()) {
    if (left_ > 0) {
      const auto some = std::min(left_, bytes.size() - at);
      left_ -= some;
      at += some;
      continue;
    }
    if (header_.empty() && begun_ + 1 == number) return at;
    if (header_.empty()) ++begun_;
    header_ += bytes[at++];
    if (refuses_encryption())
      header_.clear();
    else if (header_.size() == kLength + (typed_ ? 1 : 0))
      end_header();
  }
  return at;
}

bool PostgresMessages::refuses_encryption() const {
  return from_ == From::kServer && !authenticating_ && header_ == "N";
}

void PostgresMessages::end_header() {
  std::size_t length = 0;
  for (const char byte : header_.substr(header_.size() - kLength))
    length = length << 8 | static_cast<unsigned char>(byte);
  left_ = length - kLength;
  if (!typed_) typed_ = length > kEncryptionRequest;
  authenticating_ = true;
  header_.clear();
}

}  // namespace kinbox::testing
