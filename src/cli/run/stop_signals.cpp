#include "cli/run/stop_signals.hpp"

#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

namespace kinbox::cli {
namespace {

sigset_t stop_set() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGINT);
  sigaddset(&set, SIGTERM);
  return set;
}

}  // namespace

StopSignals::StopSignals() {
  const auto set = stop_set();
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
  fd_ = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
  if (fd_ < 0) throw std::system_error(errno, std::generic_category(), "signalfd");
}

StopSignals::~StopSignals() {
  close(fd_);
  const auto set = stop_set();
  pthread_sigmask(SIG_UNBLOCK, &set, nullptr);
}

bool StopSignals::wait(std::chrono::milliseconds timeout, int other_fd) {
  pollfd fds[] = {{fd_, POLLIN, 0}, {other_fd, POLLIN, 0}};
  poll(fds, 2, static_cast<int>(timeout.count()));
  signalfd_siginfo taken{};
  return read(fd_, &taken, sizeof taken) == static_cast<ssize_t>(sizeof taken);
}

}  // namespace kinbox::cli
