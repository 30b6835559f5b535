// Records that somebody compressed: the producer, or the broker because its topic says so.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/broker_kafka.hpp"
#include "support/topic_file.hpp"

namespace kinbox::kafka {
namespace {

using namespace kinbox::testing;
using ::testing::Each;

struct Compression {
  const char* producer;
  const char* topic;
  Codec stored;
};

void PrintTo(const Compression& how, std::ostream* out) {
  *out << how.producer << " to a topic with " << how.topic;
}

class KafkaCompression : public BrokerKafkaTest,
                         public ::testing::WithParamInterface<Compression> {};

TEST_P(KafkaCompression, IsRead) {
  create_topic(1, {{"compression.type", GetParam().topic}});
  auto records = numbered_records(topic_, 0, 100);
  for (auto& record : records) {
    record.value = *record.value + std::string(1000, 'x');  // worth compressing
    record.headers = {{"h", "1"}};
  }
  // Batches of their own.
  for (auto* half : {"first", "second"}) {
    for (auto& record : records) record.headers[0].value = half;
    kinbox::testing::produce(brokers_, records, {{"compression.codec", GetParam().producer}});
  }
  EXPECT_THAT(TopicFile(partition(0)).codecs(), Each(GetParam().stored));
  auto source = subscribed();
  const auto read = poll_records(*source, 200);
  ASSERT_EQ(read.size(), 200U);
  for (std::size_t i = 0; i < read.size(); ++i) {
    EXPECT_EQ(read[i].offset, static_cast<Offset>(i));
    EXPECT_EQ(read[i].key, records[i % 100].key);
    EXPECT_EQ(read[i].value, records[i % 100].value);
    EXPECT_EQ(read[i].headers[0].value, i < 100 ? "first" : "second");
  }
  // From the middle of a batch.
  source->start_at(partition(0), 142);
  EXPECT_EQ(poll_records(*source, 1).at(0).offset, 142);
  EXPECT_EQ(messages_.all_text(), "");
}

INSTANTIATE_TEST_SUITE_P(ByTheProducer, KafkaCompression,
                         ::testing::Values(Compression{"gzip", "producer", Codec::kGzip},
                                           Compression{"snappy", "producer", Codec::kSnappy},
                                           Compression{"lz4", "producer", Codec::kLz4},
                                           Compression{"zstd", "producer", Codec::kZstd}),
                         [](const auto& how) { return std::string(how.param.producer); });

INSTANTIATE_TEST_SUITE_P(ByTheTopic, KafkaCompression,
                         ::testing::Values(Compression{"none", "gzip", Codec::kGzip},
                                           Compression{"none", "snappy", Codec::kSnappy},
                                           Compression{"none", "lz4", Codec::kLz4},
                                           Compression{"lz4", "zstd", Codec::kZstd},
                                           Compression{"zstd", "uncompressed", Codec::kNone}),
                         [](const auto& how) { return std::string(how.param.topic); });

}  // namespace
}  // namespace kinbox::kafka
