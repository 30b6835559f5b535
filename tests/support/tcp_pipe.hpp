#pragma once

#include <chrono>
#include <cstddef>
#include <deque>
#include <optional>
#include <string>
#include <string_view>

#include "support/loopback.hpp"

namespace kinbox::testing {

// One direction of a proxied connection: reads from one socket, holds bytes until they are due,
// writes to the other. Both sockets are non-blocking and belong to somebody else.
class TcpPipe {
 public:
  using Clock = std::chrono::steady_clock;

  TcpPipe(const Fd& from, const Fd& to) : from_(from), to_(to) {}

  const Fd& from() const { return from_; }
  const Fd& to() const { return to_; }

  /// Reading stops at the end of input, and while the reader at the other end does not keep up.
  bool wants_input() const { return !end_of_input_ && held_ < kMostHeld; }
  bool has_due_output(Clock::time_point now) const;
  std::optional<Clock::time_point> next_due() const;
  /// From now on the end of input is not passed on.
  void keep_end() { keeps_end_ = true; }
  /// The end of input has been passed on too.
  bool finished() const { return finished_; }

  /// What there is to read now, at most one buffer; empty at the end of input and if there is none.
  /// Throws std::system_error if the peer has reset the connection, as does write().
  std::string read();
  void hold(std::string bytes, Clock::time_point due);
  /// Writes what is due and fits; after the last byte, passes the end of input on.
  void write(Clock::time_point now);

 private:
  struct Chunk {
    Clock::time_point due;
    std::string bytes;
  };
  bool owes_end() const { return end_of_input_ && !keeps_end_ && !finished_; }

  static constexpr std::size_t kMostHeld = 1 << 20;

  const Fd& from_;
  const Fd& to_;
  std::deque<Chunk> chunks_;
  std::size_t held_ = 0;
  bool end_of_input_ = false;
  bool keeps_end_ = false;
  bool finished_ = false;
};

// Finds a text in a stream that arrives in pieces.
class StreamSearch {
 public:
  explicit StreamSearch(std::string text) : text_(std::move(text)) {}

  /// True once the pieces seen so far, put together, contain the text.
  bool found_in(std::string_view piece);

 private:
  std::string text_;
  std::string tail_;
};

}  // namespace kinbox::testing
