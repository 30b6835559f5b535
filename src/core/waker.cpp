#include "core/waker.hpp"

#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

namespace kinbox {

Waker::Waker() : fd_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  if (fd_ < 0) throw std::system_error(errno, std::generic_category(), "eventfd");
}

Waker::~Waker() { close(fd_); }

void Waker::wake() noexcept { eventfd_write(fd_, 1); }

bool Waker::rest() noexcept {
  eventfd_t count = 0;
  return eventfd_read(fd_, &count) == 0;
}

}  // namespace kinbox
