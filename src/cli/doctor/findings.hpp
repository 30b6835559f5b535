#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace kinbox::cli {

enum class Grade { kOk, kSkip, kWarn, kFail };
std::string_view to_text(Grade grade);

/// What `kinbox doctor` found: a line per check.
struct CheckLine {
  Grade grade = Grade::kOk;
  std::string check;
  std::string found;
  /// The command or the setting that mends it; empty where nothing is to be mended.
  std::string way_out = {};
};

class Findings {
 public:
  void ok(std::string check, std::string found) {
    lines_.push_back({Grade::kOk, std::move(check), std::move(found)});
  }
  /// It was not looked at, and why.
  void skip(std::string check, std::string why) {
    lines_.push_back({Grade::kSkip, std::move(check), std::move(why)});
  }
  void warn(std::string check, std::string found, std::string way_out) {
    lines_.push_back({Grade::kWarn, std::move(check), std::move(found), std::move(way_out)});
  }
  void fail(std::string check, std::string found, std::string way_out) {
    lines_.push_back({Grade::kFail, std::move(check), std::move(found), std::move(way_out)});
  }

  /// Runs a part of the examination. If it throws a kinbox::Error, that is a failure of `check`.
  /// Whether it came to its end.
  bool attempt(const std::string& check, const std::string& way_out,
               const std::function<void()>& part);

  const std::vector<CheckLine>& lines() const noexcept { return lines_; }
  /// The worst of all.
  Grade worst() const;

 private:
  std::vector<CheckLine> lines_;
};

}  // namespace kinbox::cli
