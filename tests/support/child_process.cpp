#include "support/child_process.hpp"

#include <fcntl.h>
#include <linux/close_range.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <fstream>
#include <system_error>
#include <utility>

#include "support/eventually.hpp"

extern char** environ;

namespace kinbox::testing {
namespace {

using Clock = std::chrono::steady_clock;

struct Ends {
  Fd ours;
  Fd theirs;
};

[[noreturn]] void throw_errno(const std::string& what) {
  throw std::system_error(errno, std::generic_category(), what);
}

Ends output_pipe() {
  std::array<int, 2> fds{};
  if (::pipe2(fds.data(), O_CLOEXEC) != 0) throw_errno("pipe2");
  return {Fd(fds[0]), Fd(fds[1])};
}

// Not a pipe: writing to one without a reader raises SIGPIPE, send() can be told not to.
Ends input_socket() {
  std::array<int, 2> fds{};
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds.data()) != 0) {
    throw_errno("socketpair");
  }
  return {Fd(fds[0]), Fd(fds[1])};
}

std::vector<std::string> merged_environment(const ChildOptions& options) {
  std::map<std::string, std::optional<std::string>> merged;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string text = *entry;
    const auto equals = text.find('=');
    if (equals != std::string::npos) merged[text.substr(0, equals)] = text.substr(equals + 1);
  }
  for (const auto& [name, value] : options.environment) merged[name] = value;
  std::vector<std::string> entries;
  for (const auto& [name, value] : merged) {
    if (value) entries.push_back(name + "=" + *value);
  }
  return entries;
}

std::vector<char*> pointers(std::vector<std::string>& strings) {
  std::vector<char*> result;
  for (auto& text : strings) result.push_back(text.data());
  result.push_back(nullptr);
  return result;
}

// All that the new process needs, made before fork(): after it, nothing may allocate.
struct Launch {
  char* const* command;
  char* const* environment;
  const char* working_directory;
  pid_t parent;
  int input;
  int output;
  int error;
  int report;
};

bool become(const Launch& launch) {
  if (::prctl(PR_SET_PDEATHSIG, SIGKILL) != 0) return false;
  if (::getppid() != launch.parent) _exit(127);  // it died before prctl()
  if (::dup2(launch.input, 0) < 0 || ::dup2(launch.output, 1) < 0 || ::dup2(launch.error, 2) < 0) {
    return false;
  }
  ::close_range(3, ~0U, CLOSE_RANGE_CLOEXEC);
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  for (const int number : {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGPIPE}) ::signal(number, SIG_DFL);
  if (*launch.working_directory != '\0' && ::chdir(launch.working_directory) != 0) return false;
  ::execve(launch.command[0], launch.command, launch.environment);
  return false;
}

pid_t fork_and_become(const Launch& launch) {
  const pid_t pid = ::fork();
  if (pid < 0) throw_errno("fork");
  if (pid == 0) {
    become(launch);
    const int error = errno;
    [[maybe_unused]] const ssize_t written = ::write(launch.report, &error, sizeof error);
    _exit(127);
  }
  return pid;
}

// The report's other end is closed by a successful exec, or says why there was none.
void throw_if_not_executed(const Fd& report, pid_t pid, const std::string& program) {
  int error = 0;
  ssize_t count = -1;
  do {
    count = ::read(report.get(), &error, sizeof error);
  } while (count < 0 && errno == EINTR);
  if (count == 0) return;
  ::waitpid(pid, nullptr, 0);
  throw std::system_error(error, std::generic_category(), program);
}

ExitStatus decode(int status) {
  if (WIFSIGNALED(status)) return {.code = std::nullopt, .signal = WTERMSIG(status)};
  return {.code = WEXITSTATUS(status), .signal = std::nullopt};
}

}  // namespace

std::string to_string(const ExitStatus& status) {
  return status.signal ? "killed by signal " + std::to_string(*status.signal)
                       : "exit code " + std::to_string(status.code.value_or(-1));
}

ChildProcess::ChildProcess(const std::vector<std::string>& command, const ChildOptions& options) {
  auto arguments = command;
  auto environment = merged_environment(options);
  const auto argument_pointers = pointers(arguments);
  const auto environment_pointers = pointers(environment);
  Ends input = input_socket();
  Ends output = output_pipe();
  Ends error = output_pipe();
  Ends report = output_pipe();
  pid_ = fork_and_become({.command = argument_pointers.data(),
                          .environment = environment_pointers.data(),
                          .working_directory = options.working_directory.c_str(),
                          .parent = ::getpid(),
                          .input = input.theirs.get(),
                          .output = output.theirs.get(),
                          .error = error.theirs.get(),
                          .report = report.theirs.get()});
  report.theirs.close();
  throw_if_not_executed(report.ours, pid_, command.at(0));
  input_ = std::move(input.ours);
  out_ = std::make_unique<OutputCapture>(std::move(output.ours));
  err_ = std::make_unique<OutputCapture>(std::move(error.ours));
}

ChildProcess::~ChildProcess() { kill(); }

std::string ChildProcess::output(Stream stream) const {
  return (stream == Stream::kOut ? out_ : err_)->text();
}

std::optional<std::string> ChildProcess::wait_for_line(std::string_view text,
                                                       std::chrono::milliseconds deadline,
                                                       Stream stream) {
  return (stream == Stream::kOut ? out_ : err_)->wait_for_line(text, Clock::now() + deadline);
}

bool ChildProcess::send(std::string_view text) {
  while (!text.empty()) {
    const ssize_t count = ::send(input_.get(), text.data(), text.size(), MSG_NOSIGNAL);
    if (count < 0 && errno != EINTR) return false;
    if (count > 0) text.remove_prefix(static_cast<std::size_t>(count));
  }
  return true;
}

void ChildProcess::close_input() { input_.close(); }

void ChildProcess::signal(int number) {
  if (!status_) ::kill(pid_, number);
}

std::optional<ExitStatus> ChildProcess::wait_for(std::chrono::milliseconds deadline) {
  const auto end = Clock::now() + deadline;
  if (!eventually([this] { return reap(WNOHANG); }, deadline)) return std::nullopt;
  // What it wrote last may still be on its way to us.
  out_->wait_for_end(end);
  err_->wait_for_end(end);
  return status_;
}

ExitStatus ChildProcess::kill() {
  signal(SIGKILL);
  reap(0);
  return *status_;
}

bool ChildProcess::reap(int options) {
  if (status_) return true;
  int status = 0;
  pid_t reaped = -1;
  do {
    reaped = ::waitpid(pid_, &status, options);
  } while (reaped < 0 && errno == EINTR);
  if (reaped < 0) throw_errno("waitpid");
  if (reaped == pid_) status_ = decode(status);
  return status_.has_value();
}

bool ChildProcess::is_stopped() const {
  if (status_) return false;
  // "pid (name) state ...", and the name may contain anything.
  std::string stat;
  std::getline(std::ifstream("/proc/" + std::to_string(pid_) + "/stat"), stat);
  const auto end_of_name = stat.rfind(") ");
  return end_of_name != std::string::npos && stat[end_of_name + 2] == 'T';
}

}  // namespace kinbox::testing
