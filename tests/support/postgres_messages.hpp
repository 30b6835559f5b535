#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace kinbox::testing {

/// Counts the messages of PostgreSQL's protocol that pass in one direction of a connection without
/// encryption, from its first byte on. A refusal of encryption counts as one.
class PostgresMessages {
 public:
  enum class From { kClient, kServer };

  explicit PostgresMessages(From from) : from_(from), typed_(from == From::kServer) {}

  /// How many of `bytes`, the next that pass, lie before message `number` (from 1).
  std::size_t before(int number, std::string_view bytes);

 private:
  bool refuses_encryption() const;
  void end_header();

  From from_;
  /// The client's first messages have no type, only a length.
  bool typed_;
  bool authenticating_ = false;
  int begun_ = 0;
  std::string header_;
  /// Bytes of the message that are yet to come.
  std::size_t left_ = 0;
};

}  // namespace kinbox::testing
