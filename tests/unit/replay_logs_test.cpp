// Whether a plan's logs are still those of that name, where topics have no ids.
#include <gmock/gmock.h>

#include "cli/replay/same_logs.hpp"
#include "kinbox/errors.hpp"
#include "support/mock_kafka.hpp"

namespace kinbox::cli {
namespace {

using kinbox::testing::fast_settings;
using kinbox::testing::numbered_records;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::ThrowsMessage;

OwnedRecord full_record() {
  return {.topic = "t",
          .partition = 1,
          .offset = 5,
          .timestamp = Timestamp{std::chrono::seconds{7}},
          .key = "k",
          .value = "v",
          .headers = {{"a", "b"}}};
}

TEST(RecordMark, KnowsARecordByAllThatAProducerGaveIt) {
  const auto mark = RecordMark::of(Record(full_record()));
  EXPECT_EQ(mark.offset, 5);
  EXPECT_EQ(RecordMark::of(Record(full_record())), mark);
  const std::vector<std::function<void(OwnedRecord&)>> changes{
      [](auto& r) { r.timestamp = Timestamp{std::chrono::seconds{8}}; },
      [](auto& r) { r.timestamp.reset(); },
      [](auto& r) { r.key = "l"; },
      [](auto& r) { r.key.reset(); },
      [](auto& r) { r.key = ""; },
      [](auto& r) { r.value.reset(); },
      [](auto& r) { r.value = "v1:"; },
      [](auto& r) { r.headers[0].value = "c"; },
      [](auto& r) { r.headers[0].name = "c"; },
      [](auto& r) { r.headers[0].value.reset(); },
      [](auto& r) {
        r.headers.push_back({"a", "b"});
      }};
  std::set<std::string> checksums{mark.checksum};
  for (const auto& change : changes) {
    auto record = full_record();
    change(record);
    EXPECT_TRUE(checksums.insert(RecordMark::of(Record(record)).checksum).second);
  }
}

class ReplayLogs : public kinbox::testing::MockKafkaTest {
 protected:
  ReplayLogs() { produce(numbered_records(kTopic, 0, 5)); }

  /// With marks at these offsets of what stands there now.
  ReplayPlan plan(const std::vector<Offset>& offsets) {
    ReplayPlan plan;
    ReplayPlan::Partition partition;
    partition.slice = {kP0, 0, 5};
    for (const auto offset : offsets) {
      reader_.start(std::vector{kafka::LogSlice{kP0, offset, offset + 1}});
      partition.marks.push_back(RecordMark::of(reader_.next(1).at(0)));
    }
    plan.partitions.push_back(partition);
    return plan;
  }

  kafka::LogReader reader_{kafka::Settings(fast_settings(cluster_.bootstrap_servers()))};
};

TEST_F(ReplayLogs, AreKnownByTheRecordsOfThePlan) {
  EXPECT_NO_THROW(require_same_logs(plan({0, 4}), reader_));
  EXPECT_NO_THROW(require_same_logs(plan({}), reader_)) << "a range without records";
}

TEST_F(ReplayLogs, AreOthersWhenAnyRecordIsAnother) {
  for (const std::size_t which : {0U, 1U}) {
    auto planned = plan({0, 4});
    planned.partitions[0].marks[which].checksum = "another";
    EXPECT_THAT([&] { require_same_logs(planned, reader_); },
                ThrowsMessage<RefusedError>(AllOf(
                    HasSubstr("topic orders was deleted and created anew: the record at orders/0@" +
                              std::to_string(which == 0 ? 0 : 4)),
                    HasSubstr("plan again"))));
  }
}

TEST_F(ReplayLogs, AreKnownByOneRecordWhenTheOthersAreGone) {
  auto planned = plan({0, 4});
  planned.partitions[0].marks[1].offset = 99;
  EXPECT_NO_THROW(require_same_logs(planned, reader_));
  planned.partitions[0].marks[0].offset = 98;
  EXPECT_THAT([&] { require_same_logs(planned, reader_); },
              ThrowsMessage<RefusedError>(
                  HasSubstr("by which orders/0 would be known again, 98 and 99, are gone")));
  EXPECT_THAT(differences(planned, reader_).others, IsEmpty());
}

TEST_F(ReplayLogs, AreKnownByTheirTopicsIdsWhereThereAreSome) {
  auto planned = plan({0, 4});
  planned.partitions[0].topic_id = "the mock cluster has none";
  EXPECT_THAT(differences(planned, reader_).others,
              ElementsAre("topic orders was deleted and created anew"));
}

}  // namespace
}  // namespace kinbox::cli
