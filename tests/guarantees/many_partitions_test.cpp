// A topic with more partitions than anybody should have: one worker takes them all.
#include <gmock/gmock.h>

#include <algorithm>
#include <cstdlib>

#include "kinbox/kafka/admin.hpp"
#include "support/eventually.hpp"
#include "support/kafka.hpp"
#include "support/kill_scene.hpp"

namespace kinbox::testing {
namespace {

/// `scripts/soak partitions` asks for more.
int wanted() {
  const char* number = std::getenv("KINBOX_TEST_PARTITIONS");
  return number == nullptr ? 1'000 : std::stoi(number);
}

class KafkaWideTopic : public KillScene {
 protected:
  // A controller refuses to create 10,000 at once.
  static constexpr int kAtOnce = 5'000;

  KafkaWideTopic() { partitions = std::min(wanted(), kAtOnce); }

  void SetUp() override {
    KillScene::SetUp();
    if (IsSkipped() || HasFatalFailure()) return;
    admin_ = std::make_unique<kafka::Admin>(
        kafka::Settings({{"bootstrap.servers", KafkaService::get().brokers()}}),
        std::chrono::seconds{60});
    if (wanted() > partitions) admin_->create_partitions(topic, wanted());
    partitions = wanted();
  }
  void TearDown() override {
    if (admin_) admin_->delete_topic(topic);
  }

  /// The broker may take its time to bring all of them up.
  void produce_patiently() {
    const std::vector records{
        text_record(topic, 0, R"({"eventId":"first","eventType":"Created"})"),
        text_record(topic, partitions - 1, R"({"eventId":"last","eventType":"Created"})")};
    for (const auto& record : records)
      ASSERT_TRUE(eventually(
          [&] {
            try {
              produce(KafkaService::get().brokers(), {&record, 1});
              return true;
            } catch (const std::exception&) {
              return false;
            }
          },
          std::chrono::seconds{120}));
    produced_events = produced_records = 2;
  }

  std::unique_ptr<kafka::Admin> admin_;
};
KINBOX_FOR_POSTGRES(KafkaWideTopic);

TEST_P(KafkaWideTopic, IsTakenByOneWorkerInBoundedMemory) {
  ASSERT_NO_FATAL_FAILURE(produce_patiently());
  // librdkafka needs seconds to begin with 10,000, and sends no heartbeat meanwhile: Kafka's
  // default session bears that. Bounded by it as well: a worker that does not poll loses what it
  // has.
  const auto worker =
      consumer({"until=idle", "session.timeout.ms=45000", "heartbeat.interval.ms=3000"});
  const auto status = worker->wait_for(std::chrono::seconds{120 + wanted() / 20});
  ASSERT_TRUE(status.has_value()) << "of " << partitions << " it has taken "
                                  << number(database().dialect().render(
                                         "SELECT count(*) FROM {kinbox}.consumer_progress"));
  EXPECT_EQ(*status, (ExitStatus{.code = 0, .signal = {}}))
      << worker->output(ChildProcess::Stream::kErr);
  EXPECT_EQ(number(database().dialect().render("SELECT count(*) FROM {kinbox}.consumer_progress")),
            partitions);
  EXPECT_EQ(complaints(), "");
  const auto peak = worker->wait_for_line("peak", std::chrono::seconds{1});
  ASSERT_TRUE(peak.has_value());
  const auto kib = std::stol(peak->substr(5));
  EXPECT_LT(kib, 256 * 1024);
  RecordProperty("partitions", partitions);
  RecordProperty("peak_kib", std::to_string(kib));
  std::printf("%d partitions: at most %ld MiB\n", partitions, kib / 1024);
}

}  // namespace
}  // namespace kinbox::testing
