#pragma once

#include <chrono>
#include <functional>
#include <ostream>
#include <string>

#include "kinbox/errors.hpp"

namespace kinbox::cli {

/// The demonstration did not go as promised.
class DemoFailed : public Error {
  using Error::Error;
};

/// Tells a person what happens, and what is waited for.
class Narrator {
 public:
  explicit Narrator(std::ostream& out) : out_(out) {}

  /// The next act's headline.
  void act(const std::string& title);
  void line(const std::string& text);

  /// Calls `done` until it is true, with a dot now and then; `done` should take its time (some
  /// milliseconds), or it is called in a tight loop. Throws DemoFailed when it takes too long.
  void wait(const std::string& what, const std::function<bool()>& done,
            std::chrono::milliseconds patience = std::chrono::seconds{30});

 private:
  std::ostream& out_;
  int acts_ = 0;
};

}  // namespace kinbox::cli
