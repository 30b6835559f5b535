#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <exception>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <unordered_map>
#include <vector>

namespace kinbox::bench {

/// Reads a topic that carries a record per order, keyed by order, and notes when each order's first
/// came.
class Arrivals {
 public:
  using Clock = std::chrono::steady_clock;

  /// Of `orders` orders, on the `partitions` of `topic`, which exists. Reads until it is destroyed.
  Arrivals(const std::string& brokers, const std::string& topic, int partitions,
           std::size_t orders);

  /// False if some have not come in time. Throws what the reading failed with.
  bool wait_for_all(std::chrono::seconds patience);
  /// When all have come.
  const std::vector<Clock::time_point>& moments() const { return came_; }

 private:
  void read(const std::string& brokers, const std::string& topic, int partitions,
            const std::stop_token& stop);
  void note(const std::string& key);

  std::unordered_map<std::string, std::size_t> number_of_;
  std::vector<Clock::time_point> came_;
  std::size_t missing_;
  std::exception_ptr failure_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::jthread thread_;
};

}  // namespace kinbox::bench
