#pragma once

#include <sys/types.h>

#include <chrono>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "support/loopback.hpp"
#include "support/output_capture.hpp"

namespace kinbox::testing {

/// How a process ended: exactly one of the two has a value.
struct ExitStatus {
  std::optional<int> code;
  std::optional<int> signal;

  bool operator==(const ExitStatus&) const = default;
};

std::string to_string(const ExitStatus& status);

struct ChildOptions {
  /// Added to our own environment; no value takes a variable away.
  std::map<std::string, std::optional<std::string>> environment = {};
  /// Empty: ours.
  std::string working_directory = {};
};

// A program that runs beside the test: its three standard streams are pipes of ours, its other
// files closed, its signals as a shell would leave them.
//
// It never outlives its owner: the destructor sends SIGKILL and reaps, and the kernel does so if
// the thread that made it ends (so make it on a thread that stays). Signals go to that one pid
// only, and never after it was reaped.
//
// One thread at a time. The output is read all the while, so the program never blocks on it.
class ChildProcess {
 public:
  enum class Stream { kOut, kErr };

  /// `command[0]` is a path, not looked for in PATH. Throws std::system_error if it cannot be run.
  explicit ChildProcess(const std::vector<std::string>& command, const ChildOptions& options = {});
  ~ChildProcess();
  ChildProcess(const ChildProcess&) = delete;
  ChildProcess& operator=(const ChildProcess&) = delete;

  pid_t pid() const { return pid_; }

  /// What it has written so far; all of it once wait_for() has returned a status.
  std::string output(Stream stream = Stream::kOut) const;

  /// The next line (without its newline) that contains `text`, after the one that the last call for
  /// this stream returned. None if the deadline passes or the stream ends first.
  std::optional<std::string> wait_for_line(std::string_view text,
                                           std::chrono::milliseconds deadline,
                                           Stream stream = Stream::kOut);

  /// Writes to its standard input. False if it has closed that, or has ended.
  bool send(std::string_view text);
  void close_input();

  /// No effect once it has been reaped.
  void signal(int number);

  /// None if it still runs at the deadline.
  std::optional<ExitStatus> wait_for(std::chrono::milliseconds deadline);

  /// SIGKILL and reap.
  ExitStatus kill();

  /// True while it is stopped (SIGSTOP, SIGTSTP), as the kernel says. False once reaped.
  bool is_stopped() const;

 private:
  bool reap(int options);

  pid_t pid_ = -1;
  std::optional<ExitStatus> status_;
  Fd input_;
  std::unique_ptr<OutputCapture> out_;
  std::unique_ptr<OutputCapture> err_;
};

}  // namespace kinbox::testing
