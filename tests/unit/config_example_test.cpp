#include <gtest/gtest.h>

#include "cli/config/load.hpp"
#include "handlers/handlers.hpp"
#include "support/in_process_cli.hpp"

namespace kinbox::cli {
namespace {

constexpr const char* kExample = KINBOX_SOURCE_DIR "/examples/kinbox.yaml";

TEST(ExampleConfiguration, WorksAsItIsWithTheShippedHandlers) {
  const auto result =
      kinbox::testing::run_cli({"config", "check", "-c", kExample}, shipped_handlers());
  EXPECT_EQ(result.exit_code, 0) << result.err;
}

TEST(LowLatencyExample, WorksAsItIsWithTheShippedHandlers) {
  const auto result = kinbox::testing::run_cli(
      {"config", "check", "-c", KINBOX_SOURCE_DIR "/examples/low_latency.yaml"},
      shipped_handlers());
  EXPECT_EQ(result.exit_code, 0) << result.err;
}

TEST(ExampleConfiguration, ShowsTheDefaultsItCallsDefaults) {
  const auto config = load_config(kExample, {});
  const ConsumerConfig plain;
  const auto& shown = config.consumers[1];
  EXPECT_EQ(shown.on_error.retry.max_attempts, plain.on_error.retry.max_attempts);
  EXPECT_EQ(shown.on_error.retry.first_delay, plain.on_error.retry.first_delay);
  EXPECT_EQ(shown.on_error.retry.max_delay, plain.on_error.retry.max_delay);
  EXPECT_EQ(shown.on_error.then, plain.on_error.then);
  EXPECT_EQ(shown.unknown_types, plain.unknown_types);
  EXPECT_EQ(shown.id_conflict, plain.id_conflict);
  EXPECT_EQ(shown.older_than, plain.older_than);
  EXPECT_EQ(shown.initial.kind, plain.initial.kind);
  EXPECT_EQ(shown.max_batch, plain.max_batch);
  EXPECT_EQ(shown.max_batch_bytes, plain.max_batch_bytes);
  EXPECT_EQ(shown.max_batch_wait, plain.max_batch_wait);
  EXPECT_EQ(shown.stalled_after, plain.stalled_after);
  EXPECT_EQ(shown.dlq_topic, plain.dlq_topic);
  const auto& rules = shown.identity.at("marketplace.order.created");
  EXPECT_EQ(rules.id, IdentityRules::default_id());
  EXPECT_EQ(rules.type, IdentityRules::default_type());
  EXPECT_EQ(rules.max_value_bytes, IdentityRules{}.max_value_bytes);
}

}  // namespace
}  // namespace kinbox::cli
