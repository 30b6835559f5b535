#include "cli/demo/step_gate.hpp"

#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>

#include "cli/exit_code.hpp"

namespace kinbox::cli {
namespace {

/// The answer to `byte`; nullopt when nobody is there to give one.
std::optional<char> ask(int fd, char byte) {
  if (send(fd, &byte, 1, MSG_NOSIGNAL) != 1) return std::nullopt;
  char answer = 0;
  ssize_t got = 0;
  do {
    got = recv(fd, &answer, 1, 0);
  } while (got < 0 && errno == EINTR);
  return got == 1 ? std::optional(answer) : std::nullopt;
}

}  // namespace

void die_with_parent(int fd) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  // It may have died before that call.
  pollfd parent{fd, 0, 0};
  if (poll(&parent, 1, 0) == 1 && (parent.revents & POLLHUP) != 0)
    _exit(static_cast<int>(ExitCode::kFailed));
}

char to_byte(Step step) { return static_cast<char>('A' + static_cast<int>(step)); }

std::optional<Step> step_from(char byte) {
  if (byte < to_byte(Step::kFetched) || byte > to_byte(Step::kBeforeTell)) return std::nullopt;
  return static_cast<Step>(byte - 'A');
}

void StepGate::on_step(Step step) {
  const std::lock_guard lock(mutex_);
  if (free_) return;
  const auto answer = ask(fd_, to_byte(step));
  if (!answer) _exit(static_cast<int>(ExitCode::kFailed));
  free_ = *answer == kRunFree;
}

}  // namespace kinbox::cli
