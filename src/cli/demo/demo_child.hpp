#pragma once

#include <sys/types.h>

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "kinbox/observer.hpp"

namespace kinbox::cli {

/// The demo's consumer: this same program in a process of its own, stopped at each step of a batch
/// until told to go on.
///
/// Never outlives its owner: the destructor kills it.
class DemoChild {
 public:
  /// Runs `kinbox demo child` on these consumers of `config_file`, its stderr appended to
  /// `log_file`. Throws std::system_error.
  DemoChild(const std::string& config_file, const std::string& log_file,
            const std::vector<std::string>& consumers);
  ~DemoChild();
  DemoChild(const DemoChild&) = delete;
  DemoChild& operator=(const DemoChild&) = delete;

  pid_t pid() const noexcept { return pid_; }

  /// The step at which it stands now; nullopt if it reaches none within `timeout`, or has ended.
  std::optional<Step> wait_for_step(std::chrono::milliseconds timeout);
  /// Lets it go on to the next step, or from now on.
  void go();
  void run_free();

  /// SIGKILL, and wait.
  void kill();
  /// SIGTERM, and wait. The exit code; nullopt if it did not end by itself within `timeout`.
  std::optional<int> terminate(std::chrono::milliseconds timeout);
  bool has_ended();

 private:
  void reap(int options);
  void answer(char byte);

  pid_t pid_ = -1;
  int gate_ = -1;
  std::optional<int> wait_status_;
};

}  // namespace kinbox::cli
