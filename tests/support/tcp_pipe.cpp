#include "support/tcp_pipe.hpp"

#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <system_error>

namespace kinbox::testing {
namespace {

bool would_block() { return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR; }

[[noreturn]] void throw_broken() {
  throw std::system_error(errno, std::generic_category(), "proxied connection");
}

}  // namespace

bool TcpPipe::has_due_output(Clock::time_point now) const {
  return chunks_.empty() ? owes_end() : chunks_.front().due <= now;
}

std::optional<TcpPipe::Clock::time_point> TcpPipe::next_due() const {
  if (chunks_.empty()) return std::nullopt;
  return chunks_.front().due;
}

std::string TcpPipe::read() {
  std::array<char, 65536> buffer;
  const ssize_t count = ::recv(from_.get(), buffer.data(), buffer.size(), 0);
  if (count < 0 && !would_block()) throw_broken();
  if (count == 0) end_of_input_ = true;
  return count > 0 ? std::string(buffer.data(), static_cast<std::size_t>(count)) : std::string();
}

void TcpPipe::hold(std::string bytes, Clock::time_point due) {
  held_ += bytes.size();
  chunks_.push_back({due, std::move(bytes)});
}

void TcpPipe::write(Clock::time_point now) {
  while (!chunks_.empty() && chunks_.front().due <= now) {
    std::string& bytes = chunks_.front().bytes;
    const ssize_t count = ::send(to_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (count < 0 && !would_block()) throw_broken();
    if (count < 0) return;
    held_ -= static_cast<std::size_t>(count);
    bytes.erase(0, static_cast<std::size_t>(count));
    if (bytes.empty()) chunks_.pop_front();
  }
  if (chunks_.empty() && owes_end()) {
    ::shutdown(to_.get(), SHUT_WR);
    finished_ = true;
  }
}

bool StreamSearch::found_in(std::string_view piece) {
  tail_ += piece;
  if (tail_.find(text_) != std::string::npos) return true;
  // Enough for a match that begins here and ends in the next piece.
  if (tail_.size() >= text_.size()) tail_.erase(0, tail_.size() - text_.size() + 1);
  return false;
}

}  // namespace kinbox::testing
