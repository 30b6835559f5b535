#pragma once

#include <cstdint>
#include <utility>

namespace kinbox::testing {

// Owns a file descriptor.
class Fd {
 public:
  Fd() = default;
  explicit Fd(int fd) : fd_(fd) {}
  Fd(Fd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Fd& operator=(Fd&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~Fd();

  int get() const { return fd_; }
  explicit operator bool() const { return fd_ >= 0; }
  void close() { Fd().swap(*this); }
  void swap(Fd& other) noexcept { std::swap(fd_, other.fd_); }

 private:
  int fd_ = -1;
};

// TCP on 127.0.0.1. All sockets are closed on exec. Errors: std::system_error.

/// Port 0: the kernel picks a free one, see local_port().
Fd listen_on_loopback(std::uint16_t port);
std::uint16_t local_port(const Fd& socket);

/// Empty if nobody listens there.
Fd connect_to_loopback(std::uint16_t port);

/// Closes with RST instead of FIN: the peer's next call fails with ECONNRESET.
void reset(Fd& socket);

void make_non_blocking(const Fd& fd);

}  // namespace kinbox::testing
