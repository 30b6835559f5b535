#pragma once

#include <deque>
#include <functional>
#include <optional>
#include <vector>

#include "kinbox/publisher.hpp"

namespace kinbox::testing {

/// A Publisher that keeps what it is given and answers as the test says. Single-threaded, like the
/// relay that uses it; the test looks after the relay's round.
class ScriptedPublisher : public Publisher {
 public:
  struct Published {
    std::uint64_t ticket = 0;
    OwnedRecord record;
  };
  /// The answer to a record; nullopt answers later, through `late`.
  using Answer = std::function<std::optional<Delivery>(const Published&)>;

  void publish(std::uint64_t ticket, const OwnedRecord& record) override;
  std::vector<Delivery> wait(std::chrono::milliseconds timeout) override;

  /// Everything that was ever published, in order.
  std::vector<Published> published;
  /// How many were under way at once, at most, per key.
  std::size_t most_under_way_per_key = 0;
  /// Delivered, unless the test says otherwise.
  Answer answer = [](const Published& p) { return Delivery{.ticket = p.ticket}; };
  /// To be given by the next wait.
  std::deque<Delivery> late;

 private:
  std::deque<Published> under_way_;
};

}  // namespace kinbox::testing
