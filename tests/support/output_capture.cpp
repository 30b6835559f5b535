#include "support/output_capture.hpp"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <array>
#include <utility>

namespace kinbox::testing {

OutputCapture::OutputCapture(Fd pipe)
    : pipe_(std::move(pipe)), stop_(::eventfd(0, EFD_CLOEXEC)), reader_([this] { run(); }) {}

OutputCapture::~OutputCapture() {
  ::eventfd_write(stop_.get(), 1);
  reader_.join();
}

std::string OutputCapture::text() const {
  const std::lock_guard lock(mutex_);
  return text_;
}

void OutputCapture::run() {
  std::array<char, 4096> buffer;
  std::array<pollfd, 2> interest{{{pipe_.get(), POLLIN, 0}, {stop_.get(), POLLIN, 0}}};
  // Not only until end of file: a grandchild may keep the pipe open for ever.
  while (::poll(interest.data(), interest.size(), -1) >= 0 && interest[1].revents == 0) {
    const ssize_t count = ::read(pipe_.get(), buffer.data(), buffer.size());
    if (count <= 0) break;
    const std::lock_guard lock(mutex_);
    text_.append(buffer.data(), static_cast<std::size_t>(count));
    changed_.notify_all();
  }
  const std::lock_guard lock(mutex_);
  ended_ = true;
  changed_.notify_all();
}

// A last line without a newline counts once the stream has ended.
std::optional<std::string> OutputCapture::next_line() {
  const auto end = text_.find('\n', searched_);
  if (end == std::string::npos && (!ended_ || searched_ == text_.size())) return std::nullopt;
  std::string line = text_.substr(searched_, end - searched_);
  searched_ = end == std::string::npos ? text_.size() : end + 1;
  return line;
}

std::optional<std::string> OutputCapture::wait_for_line(
    std::string_view text, std::chrono::steady_clock::time_point deadline) {
  std::unique_lock lock(mutex_);
  std::optional<std::string> line;
  changed_.wait_until(lock, deadline, [&] {
    do {
      line = next_line();
    } while (line && line->find(text) == std::string::npos);
    return line || ended_;
  });
  return line;
}

bool OutputCapture::wait_for_end(std::chrono::steady_clock::time_point deadline) const {
  std::unique_lock lock(mutex_);
  return changed_.wait_until(lock, deadline, [this] { return ended_; });
}

}  // namespace kinbox::testing
