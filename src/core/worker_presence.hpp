#pragma once

#include <chrono>
#include <cstddef>
#include <string>

#include "kinbox/database.hpp"

namespace kinbox {

/// One worker's row in `workers`: others see by it that the owner of a partition is at work.
class WorkerPresence {
 public:
  struct Parts {
    Database& database;
    std::string consumer;
    /// As Progress has it.
    std::string owner;
    std::chrono::milliseconds renew_every{5'000};
    /// From the last renewal on; longer than a batch takes.
    std::chrono::milliseconds lasts{60'000};
  };

  explicit WorkerPresence(Parts parts);

  /// Says that the worker is at work on so many partitions; nothing while it has just said so.
  /// Throws InfrastructureError when the database is away.
  void renew(std::size_t partitions);
  /// It leaves in order.
  void leave();

 private:
  Parts parts_;
  std::string renew_;
  std::string forget_;
  std::string leave_;
  std::string host_;
  std::chrono::steady_clock::time_point next_{};
};

}  // namespace kinbox
