#include "cli/demo/narrator.hpp"

#include <cstdio>

namespace kinbox::cli {
namespace {

using Clock = std::chrono::steady_clock;
constexpr std::chrono::milliseconds kDot{500};

std::string seconds_text(Clock::duration duration) {
  char text[32];
  std::snprintf(text, sizeof text, "%.1f s", std::chrono::duration<double>(duration).count());
  return text;
}

}  // namespace

void Narrator::act(const std::string& title) {
  out_ << '\n' << ++acts_ << ". " << title << '\n' << std::flush;
}

void Narrator::line(const std::string& text) { out_ << "   " << text << '\n' << std::flush; }

void Narrator::wait(const std::string& what, const std::function<bool()>& done,
                    std::chrono::milliseconds patience) {
  const auto start = Clock::now();
  out_ << "   waiting for " << what << ' ' << std::flush;
  for (auto dot = start + kDot; !done();) {
    const auto now = Clock::now();
    if (now - start >= patience) {
      out_ << " no\n";
      throw DemoFailed("the demonstration waited " + seconds_text(patience) + " for " + what);
    }
    if (now < dot) continue;
    dot += kDot;
    out_ << '.' << std::flush;
  }
  out_ << ' ' << seconds_text(Clock::now() - start) << '\n' << std::flush;
}

}  // namespace kinbox::cli
