#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "kinbox/record.hpp"
#include "support/child_process.hpp"
#include "support/services.hpp"
#include "support/test_database.hpp"

namespace kinbox::testing {

/// Real Kafka, one of the databases, and consumers in processes of their own that tests may kill:
/// a fresh topic of two partitions (unless the test says otherwise), a table `effects` without a
/// unique key, a group nobody else has.
class KillScene : public DatabaseContract {
 protected:
  void SetUp() override;
  void prepare() override;

  /// `count` JSON events "PREFIX-n", n from 0, spread over the partitions; every fifth comes twice.
  void produce_events(int count, const std::string& prefix = "e");

  /// `kafka:` and `database:` of a configuration for this scene, for groups that notice a dead
  /// member soon.
  std::string services_config();

  /// Starts tests/programs/consumer; `arguments` as it takes them.
  std::unique_ptr<ChildProcess> consumer(const std::vector<std::string>& arguments = {});
  /// Runs one to its end, which must be good.
  void consume_the_rest();

  std::int64_t effects();
  std::int64_t distinct_effects();
  /// Whatever ended unlike it should: effects against events, the position against the log, dead
  /// letters, halted partitions, open batches. Empty if all is well.
  std::string complaints();

  int partitions = 2;
  std::string topic;
  std::string group;
  std::int64_t produced_events = 0;
  std::int64_t produced_records = 0;
};

}  // namespace kinbox::testing
