#include "cli/replay/progress_line.hpp"

#include <algorithm>
#include <cstdio>

namespace kinbox::cli {
namespace {

constexpr std::chrono::milliseconds kRedraw{250};
constexpr std::chrono::seconds kEvery{10};
constexpr std::size_t kBar = 24;

std::string clock_text(double seconds) {
  char text[32];
  const auto whole = static_cast<long long>(seconds + 0.5);
  std::snprintf(text, sizeof text, "%02lld:%02lld:%02lld", whole / 3600, whole / 60 % 60,
                whole % 60);
  return text;
}

std::string percent_text(const ReplayPosition& now) {
  char text[16];
  const double share =
      now.all == 0 ? 100.0 : 100.0 * static_cast<double>(now.done) / static_cast<double>(now.all);
  std::snprintf(text, sizeof text, "%5.1f %%", share);
  return text;
}

std::string bar_text(const ReplayPosition& now, std::size_t width) {
  if (width == 0) return {};
  const auto filled = now.all == 0 ? width
                                   : static_cast<std::size_t>(static_cast<double>(width) *
                                                              static_cast<double>(now.done) /
                                                              static_cast<double>(now.all));
  return '[' + std::string(filled, '#') + std::string(width - std::min(width, filled), '.') + "] ";
}

}  // namespace

ReplayPosition::ReplayPosition(std::span<const Replayer::Progress> partitions) {
  for (const auto& partition : partitions) {
    done += partition.next - partition.begin;
    all += partition.end - partition.begin;
    applied += partition.applied;
    known += partition.known;
    dead += partition.dead;
    left_alone += partition.left_alone;
    silenced += partition.silenced;
  }
}

std::string progress_text(const ReplayPosition& before, const ReplayPosition& now,
                          std::chrono::duration<double> took, std::size_t bar) {
  auto text = bar_text(now, bar) + percent_text(now) + "  " + std::to_string(now.done) + " of " +
              std::to_string(now.all) + " offsets";
  const auto moved = static_cast<double>(now.done - before.done);
  if (took.count() > 0 && moved > 0) {
    const auto rate = moved / took.count();
    text += "  " + std::to_string(static_cast<std::int64_t>(rate)) + "/s";
    if (now.done < now.all)
      text += "  ETA " + clock_text(static_cast<double>(now.all - now.done) / rate);
  }
  return text + "  applied " + std::to_string(now.applied) + ", known " +
         std::to_string(now.known) + ", dead " + std::to_string(now.dead) + ", left alone " +
         std::to_string(now.left_alone);
}

void ProgressLine::show(const ReplayPosition& position, TimePoint now) {
  if (!first_) {
    first_ = position;
    since_ = now;
    next_ = terminal_ ? now : now + kEvery;
  }
  if (now < next_) return;
  write(position, now);
  next_ = now + (terminal_ ? TimePoint::duration{kRedraw} : TimePoint::duration{kEvery});
}

void ProgressLine::end(const ReplayPosition& position, TimePoint now) {
  write(position, now);
  if (terminal_) out_ << '\n' << std::flush;
}

void ProgressLine::write(const ReplayPosition& position, TimePoint now) {
  const auto text =
      progress_text(first_.value_or(position), position, now - since_, terminal_ ? kBar : 0);
  if (!terminal_) {
    out_ << text << std::endl;
    return;
  }
  // What is left of a longer line is wiped.
  const auto wipe = width_ > text.size() ? width_ - text.size() : 0;
  out_ << '\r' << text << std::string(wipe, ' ') << std::flush;
  width_ = text.size();
}

}  // namespace kinbox::cli
