#include "cli/demo/demo_child.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <system_error>
#include <thread>
#include <vector>

#include "cli/demo/step_gate.hpp"

namespace kinbox::cli {
namespace {

using Clock = std::chrono::steady_clock;

/// What happens between fork and exec: signals as a shell leaves them, the gate at its number,
/// stderr to the log. Everything else of ours is close-on-exec.
class SpawnPlan {
 public:
  SpawnPlan(int gate, const std::string& log_file) {
    posix_spawn_file_actions_init(&actions_);
    posix_spawnattr_init(&attributes_);
    posix_spawn_file_actions_adddup2(&actions_, gate, kGateFd);
    posix_spawn_file_actions_addopen(&actions_, STDERR_FILENO, log_file.c_str(),
                                     O_WRONLY | O_CREAT | O_APPEND, 0600);
    sigset_t none;
    sigemptyset(&none);
    posix_spawnattr_setsigmask(&attributes_, &none);
    posix_spawnattr_setflags(&attributes_, POSIX_SPAWN_SETSIGMASK);
  }
  ~SpawnPlan() {
    posix_spawn_file_actions_destroy(&actions_);
    posix_spawnattr_destroy(&attributes_);
  }
  SpawnPlan(const SpawnPlan&) = delete;
  SpawnPlan& operator=(const SpawnPlan&) = delete;

  pid_t spawn(std::vector<std::string> arguments) const {
    std::vector<char*> argv;
    for (auto& argument : arguments) argv.push_back(argument.data());
    argv.push_back(nullptr);
    pid_t pid = -1;
    const int error =
        posix_spawn(&pid, "/proc/self/exe", &actions_, &attributes_, argv.data(), environ);
    if (error != 0) throw std::system_error(error, std::generic_category(), "the demo's consumer");
    return pid;
  }

 private:
  posix_spawn_file_actions_t actions_{};
  posix_spawnattr_t attributes_{};
};

}  // namespace

DemoChild::DemoChild(const std::string& config_file, const std::string& log_file,
                     const std::vector<std::string>& consumers) {
  std::array<int, 2> ends{};
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) != 0)
    throw std::system_error(errno, std::generic_category(), "socketpair");
  gate_ = ends[0];
  const SpawnPlan plan(ends[1], log_file);
  std::vector<std::string> arguments{"kinbox", "demo", "child", "--config", config_file};
  for (const auto& consumer : consumers)
    arguments.insert(arguments.end(), {"--consumer", consumer});
  pid_ = plan.spawn(std::move(arguments));
  close(ends[1]);
}

DemoChild::~DemoChild() {
  kill();
  close(gate_);
}

std::optional<Step> DemoChild::wait_for_step(std::chrono::milliseconds timeout) {
  pollfd readable{gate_, POLLIN, 0};
  if (poll(&readable, 1, static_cast<int>(timeout.count())) <= 0) return std::nullopt;
  char byte = 0;
  return recv(gate_, &byte, 1, 0) == 1 ? step_from(byte) : std::nullopt;
}

void DemoChild::go() { answer(kGo); }

void DemoChild::run_free() { answer(kRunFree); }

void DemoChild::answer(char byte) {
  // It may have died meanwhile; `has_ended` tells.
  send(gate_, &byte, 1, MSG_NOSIGNAL);
}

void DemoChild::reap(int options) {
  int status = 0;
  if (!wait_status_ && waitpid(pid_, &status, options) == pid_) wait_status_ = status;
}

bool DemoChild::has_ended() {
  reap(WNOHANG);
  return wait_status_.has_value();
}

void DemoChild::kill() {
  if (has_ended()) return;
  ::kill(pid_, SIGKILL);
  reap(0);
}

std::optional<int> DemoChild::terminate(std::chrono::milliseconds timeout) {
  if (!has_ended()) ::kill(pid_, SIGTERM);
  const auto deadline = Clock::now() + timeout;
  while (!has_ended() && Clock::now() < deadline)
    std::this_thread::sleep_for(std::chrono::milliseconds{10});
  if (!wait_status_ || !WIFEXITED(*wait_status_)) return std::nullopt;
  return WEXITSTATUS(*wait_status_);
}

}  // namespace kinbox::cli
