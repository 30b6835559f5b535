#include "cli/doctor/findings.hpp"

#include <algorithm>

#include "kinbox/errors.hpp"

namespace kinbox::cli {

std::string_view to_text(Grade grade) {
  switch (grade) {
    case Grade::kOk:
      return "OK";
    case Grade::kSkip:
      return "SKIP";
    case Grade::kWarn:
      return "WARN";
    case Grade::kFail:
      break;
  }
  return "FAIL";
}

bool Findings::attempt(const std::string& check, const std::string& way_out,
                       const std::function<void()>& part) {
  try {
    part();
    return true;
  } catch (const Error& e) {
    fail(check, e.what(), way_out);
    return false;
  }
}

Grade Findings::worst() const {
  Grade worst = Grade::kOk;
  for (const auto& line : lines_) worst = std::max(worst, line.grade);
  return worst;
}

}  // namespace kinbox::cli
