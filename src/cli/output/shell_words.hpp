#pragma once

#include <string>
#include <string_view>

namespace kinbox::cli {

/// A line to be typed into a shell: words are quoted where they need it.
class ShellWords {
 public:
  void word(std::string_view word);
  void option(std::string_view name, std::string_view value) {
    word(name);
    word(value);
  }
  const std::string& text() const noexcept { return text_; }

 private:
  std::string text_;
};

}  // namespace kinbox::cli
