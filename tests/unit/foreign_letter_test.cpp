#include "core/foreign/foreign_letter.hpp"

#include <gmock/gmock.h>

#include "core/dlq_record.hpp"
#include "core/foreign/dlq_headers.hpp"
#include "core/foreign/readers.hpp"
#include "core/iso_time.hpp"
#include "support/captured_records.hpp"

namespace kinbox::foreign {
namespace {

using kinbox::testing::captured_records;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;
using Headers = std::vector<OwnedRecord::OwnedHeader>;

/// When every captured record was produced, before it failed.
const Timestamp kProduced = *parse_iso("2026-01-31T12:00:00Z");

ForeignLetter read(const OwnedRecord& record) { return read_letter(Record(record)); }

ForeignLetter captured(const std::string& file, std::size_t index = 0) {
  return read(captured_records(file).at(index));
}

OwnedRecord with_headers(Headers headers) {
  return {.topic = "letters",
          .partition = 4,
          .offset = 17,
          .timestamp = kProduced,
          .key = "k",
          .value = "v",
          .headers = std::move(headers)};
}

std::string java_int(std::uint32_t number) {
  std::string bytes;
  for (int shift = 24; shift >= 0; shift -= 8) bytes += static_cast<char>(number >> shift);
  return bytes;
}

void expect_origin(const ForeignLetter& letter, const std::string& topic, std::int32_t partition,
                   Offset offset) {
  EXPECT_EQ(letter.origin.topic, topic);
  EXPECT_EQ(letter.origin.partition, partition);
  EXPECT_EQ(letter.origin.offset, offset);
  EXPECT_TRUE(letter.origin.complete());
  EXPECT_THAT(letter.damaged, IsEmpty());
}

TEST(SpringLetter, TellsWhereItFailedAndWhatTheListenerThrew) {
  const auto record = captured_records("spring").at(1);
  const auto letter = read(record);
  EXPECT_EQ(letter.format, Format::kSpring);
  expect_origin(letter, "payments", 2, 1);
  EXPECT_EQ(letter.group, "billing");
  EXPECT_EQ(letter.error_type, "java.lang.IllegalStateException");
  EXPECT_EQ(letter.error_text, R"(no account for {"amount": 6})");
  EXPECT_THAT(letter.thrown_at, StartsWith("at Spring$Listeners.pay(Spring.java:"));
  EXPECT_EQ(letter.attempts, 3);
  EXPECT_EQ(letter.dead_at, record.timestamp);
  EXPECT_EQ(letter.record.timestamp, kProduced);
}

TEST(SpringLetter, OfARetryTopicComesFromTheFirstTopic) {
  const auto letter = captured("spring_retry_topic");
  EXPECT_EQ(letter.format, Format::kSpring);
  expect_origin(letter, "orders", 1, 0);
  EXPECT_EQ(letter.group, "shipping");
  EXPECT_EQ(letter.error_type, "java.lang.IllegalArgumentException");
  EXPECT_EQ(letter.error_text, "no such depot");
  EXPECT_EQ(letter.attempts, 2) << "@RetryableTopic(attempts = 2)";
  EXPECT_EQ(letter.record.timestamp, kProduced);
}

TEST(SpringLetter, LeavesTheRecordWithItsOwnHeaders) {
  for (const auto* file : {"spring", "spring_retry_topic"}) {
    const auto letter = captured(file);
    ASSERT_EQ(letter.record.headers.size(), 1U) << file;
    EXPECT_EQ(letter.record.headers[0].name, "id");
  }
}

TEST(SpringLetter, TakesNumbersAsTextToo) {
  const auto letter = read(with_headers({{"kafka_dlt-original-topic", "payments"},
                                         {"kafka_dlt-original-partition", "1234"},
                                         {"kafka_dlt-original-offset", "12345678"},
                                         {"kafka_dlt-original-timestamp", "1769860800000"}}));
  expect_origin(letter, "payments", 1234, 12'345'678);
  EXPECT_EQ(letter.record.timestamp, kProduced);
}

TEST(SpringLetter, OfARecordThatDiedTwiceKeepsItsFirstOriginAndItsLastError) {
  const auto letter = read(with_headers({{"kafka_dlt-original-topic", "payments"},
                                         {"kafka_dlt-original-partition", java_int(2)},
                                         {"kafka_dlt-original-offset", "7"},
                                         {"kafka_dlt-exception-fqcn", "java.lang.First"},
                                         {"kafka_dlt-original-topic", "payments-dlt"},
                                         {"kafka_dlt-original-partition", java_int(0)},
                                         {"kafka_dlt-original-offset", "1"},
                                         {"kafka_dlt-exception-fqcn", "java.lang.Second"}}));
  expect_origin(letter, "payments", 2, 7);
  EXPECT_EQ(letter.error_type, "java.lang.Second");
}

TEST(SpringLetter, NamesTheWrapperWhereNoCauseIsTold) {
  const auto letter = read(with_headers(
      {{"kafka_dlt-exception-fqcn", "org.springframework.x.ListenerExecutionFailedException"},
       {"kafka_dlt-exception-message", "Listener failed"}}));
  EXPECT_EQ(letter.error_type, "org.springframework.x.ListenerExecutionFailedException");
  EXPECT_EQ(letter.error_text, "Listener failed");
}

TEST(ConnectLetter, TellsItsConnectorAndKeepsItsTimestamp) {
  const auto record = captured_records("connect").at(0);
  const auto letter = read(record);
  EXPECT_EQ(letter.format, Format::kConnect);
  expect_origin(letter, "entries", 0, 0);
  EXPECT_EQ(letter.group, "ledger");
  EXPECT_EQ(letter.error_type, "org.apache.kafka.connect.errors.DataException");
  EXPECT_THAT(letter.error_text, HasSubstr("Converting byte[] to Kafka Connect data failed"));
  EXPECT_THAT(letter.thrown_at, StartsWith("at org.apache.kafka.connect."));
  EXPECT_EQ(letter.record.timestamp, record.timestamp);
  EXPECT_FALSE(letter.dead_at);
  ASSERT_EQ(letter.record.headers.size(), 1U);
  EXPECT_EQ(letter.record.headers[0].name, "id");
}

TEST(StreamsLetter, TellsWhatTheApplicationThrew) {
  const auto letter = captured("streams", 1);
  EXPECT_EQ(letter.format, Format::kStreams);
  expect_origin(letter, "readings", 1, 0);
  EXPECT_EQ(letter.error_type, "java.lang.IllegalArgumentException");
  EXPECT_EQ(letter.error_text, "below zero: -1");
  EXPECT_EQ(letter.record.timestamp, kProduced);
  EXPECT_EQ(letter.record.value, std::string(8, '\xFF'));
}

TEST(StreamsLetter, TellsWhatCouldNotBeRead) {
  const auto letter = captured("streams", 0);
  expect_origin(letter, "readings", 1, 1);
  EXPECT_EQ(letter.error_type, "org.apache.kafka.common.errors.SerializationException");
  EXPECT_EQ(letter.record.value, "no long");
}

TEST(ShareGroupLetter, IsWholeOnlyWhereItCameFrom) {
  const auto record = captured_records("share_group").at(0);
  const auto letter = read(record);
  EXPECT_EQ(letter.format, Format::kShareGroup);
  expect_origin(letter, "tickets", 0, 0);
  EXPECT_EQ(letter.group, "box-office");
  EXPECT_EQ(letter.error_text, "Offset rejected by client.");
  EXPECT_EQ(letter.attempts, 1);
  EXPECT_EQ(letter.dead_at, record.timestamp);
  EXPECT_FALSE(letter.record.timestamp);
  EXPECT_TRUE(letter.partial) << "the broker copies no headers";
  EXPECT_EQ(letter.record.value, R"({"seat": 7})");
  EXPECT_EQ(captured("share_group_bare").record.value, std::nullopt);
}

TEST(KarafkaLetter, TellsPlaceGroupAndAttempts) {
  const auto letter = captured("karafka");
  EXPECT_EQ(letter.format, Format::kKarafka);
  expect_origin(letter, "orders_states", 3, 4211);
  EXPECT_EQ(letter.group, "example_app_group");
  EXPECT_EQ(letter.attempts, 3);
  EXPECT_FALSE(letter.partial);
  ASSERT_EQ(letter.record.headers.size(), 1U);
  EXPECT_EQ(letter.record.headers[0].name, "id");
}

TEST(KarafkaLetter, OfAnOlderVersionHasLostItsKey) {
  const auto letter = captured("karafka", 1);
  expect_origin(letter, "orders_states", 0, 7);
  EXPECT_EQ(letter.record.key, std::nullopt);
  EXPECT_TRUE(letter.partial);
}

TEST(KarafkaLetter, IsNotSeenInWordsThatAnybodyMayUse) {
  EXPECT_EQ(read(with_headers({{"source_topic", "a"}, {"source_offset", "1"}})).format,
            Format::kUnknown);
}

TEST(MassTransitLetter, TellsTheTopicButNoPlaceInIt) {
  const auto letter = captured("mass_transit");
  EXPECT_EQ(letter.format, Format::kMassTransit);
  EXPECT_EQ(letter.origin.topic, "orders");
  EXPECT_FALSE(letter.origin.complete());
  EXPECT_EQ(letter.group, "Shop.OrderCreatedConsumer");
  EXPECT_EQ(letter.error_type, "System.InvalidOperationException");
  EXPECT_EQ(letter.error_text, "No stock is left");
  EXPECT_THAT(letter.thrown_at, StartsWith("at Shop.OrderCreatedConsumer.Consume("));
  EXPECT_THAT(letter.thrown_at, ::testing::EndsWith("line 17"));
  EXPECT_EQ(letter.attempts, 3) << "two retries";
  EXPECT_EQ(letter.dead_at, parse_iso("2026-01-31T12:01:39.123Z"));
  EXPECT_EQ(Record(letter.record).header("MessageId").has_value(), true);
  EXPECT_EQ(letter.record.headers.size(), 2U);
}

TEST(MassTransitLetter, OfAQueueComesFromNoTopic) {
  for (const auto* address : {"rabbitmq://localhost/orders", "loopback://localhost/kafka/a b", ""})
    EXPECT_EQ(read(with_headers({{"MT-Fault-Message", "no"}, {"MT-Fault-InputAddress", address}}))
                  .origin.topic,
              std::nullopt)
        << address;
}

StoredLetter stored_letter() {
  StoredLetter stored;
  stored.record = with_headers({{"id", "e-1"}, {"kinbox-of-mine", "x"}});
  stored.message_id = "dlq:c:letters/4/17";
  stored.group = "billing";
  stored.event_id = "e-1";
  stored.handler = "payment";
  stored.reason = "retries_exhausted";
  stored.error_type = "std::runtime_error";
  stored.error_text = "no account";
  stored.attempts = 5;
  stored.first_failed_at = "2026-01-31T12:00:01.000Z";
  stored.dead_at = "2026-01-31T12:00:02.500Z";
  return stored;
}

TEST(KinboxLetter, ComesBackAsItWasStored) {
  const auto stored = stored_letter();
  const auto letter = read(dlq_record(stored, "dlq.billing.letters"));
  EXPECT_EQ(letter.format, Format::kKinbox);
  expect_origin(letter, "letters", 4, 17);
  EXPECT_EQ(letter.group, "billing");
  EXPECT_EQ(letter.handler, "payment");
  EXPECT_EQ(letter.reason, "retries_exhausted");
  EXPECT_EQ(letter.error_type, "std::runtime_error");
  EXPECT_EQ(letter.error_text, "no account");
  EXPECT_EQ(letter.attempts, 5);
  EXPECT_EQ(letter.first_failed_at, parse_iso("2026-01-31T12:00:01Z"));
  EXPECT_EQ(letter.dead_at, parse_iso("2026-01-31T12:00:02.5Z"));
  EXPECT_EQ(letter.record.timestamp, kProduced);
  EXPECT_EQ(letter.record.headers, stored.record.headers);
}

TEST(ForeignLetter, OfSeveralFormatsHasTheOneThatWasAddedLast) {
  // A consumer of kinbox's read Spring's DLT and failed: the DLT is where it came from.
  auto stored = stored_letter();
  stored.record = captured_records("spring").at(0);
  const auto letter = read(dlq_record(stored, "dlq.undertaker"));
  EXPECT_EQ(letter.format, Format::kKinbox);
  expect_origin(letter, "payments-dlt", 2, 0);
  EXPECT_EQ(read(letter.record).format, Format::kSpring) << "its headers are the record's own";
}

TEST(ForeignLetter, TheOrderOfItsHeadersDecidesAndNotThatOfTheFormats) {
  const OwnedRecord::OwnedHeader spring{"kafka_dlt-original-topic", "a"};
  const OwnedRecord::OwnedHeader connect{"__connect.errors.topic", "b"};
  EXPECT_EQ(read(with_headers({spring, connect})).format, Format::kConnect);
  EXPECT_EQ(read(with_headers({connect, spring})).format, Format::kSpring);
}

TEST(ForeignLetter, OfNoKnownFormatIsTheRecordItself) {
  const auto record = with_headers({{"id", "e-1"}});
  const auto letter = read(record);
  EXPECT_EQ(letter.format, Format::kUnknown);
  EXPECT_EQ(letter.record, record);
  EXPECT_FALSE(letter.origin.topic);
}

TEST(ForeignLetter, EveryFormatHasANameOfItsOwn) {
  std::vector<std::string_view> names{to_text(Format::kUnknown)};
  for (const auto* reader : all_readers()) names.push_back(to_text(reader->format));
  EXPECT_THAT(names, ElementsAre("unknown", "kinbox", "share-group", "spring", "connect", "streams",
                                 "karafka", "masstransit"));
}

TEST(DamagedHeaders, AreNamedAndTheRestIsRead) {
  const auto letter = read(with_headers({{"kafka_dlt-original-topic", "pay ments"},
                                         {"kafka_dlt-original-partition", "two"},
                                         {"kafka_dlt-original-offset", std::string("\x80\0", 2)},
                                         {"kafka_dlt-original-timestamp", "soon"},
                                         {"kafka_dlt-exception-message", "\xFF no"},
                                         {"kafka_deliveryAttempt", std::string(9, '\0')}}));
  EXPECT_EQ(letter.format, Format::kSpring);
  EXPECT_FALSE(letter.origin.topic || letter.origin.partition || letter.origin.offset);
  EXPECT_EQ(letter.error_text, "\uFFFD no");
  EXPECT_EQ(letter.record.value, "v");
  EXPECT_THAT(letter.damaged, ElementsAre("header kafka_dlt-original-topic is no topic's name",
                                          "header kafka_dlt-original-partition is no number",
                                          "header kafka_dlt-original-offset is no offset",
                                          "header kafka_deliveryAttempt is no number",
                                          "header kafka_dlt-original-timestamp is no number"));
}

TEST(DamagedHeaders, NumbersThatCannotBeAreNoNumbers) {
  const auto letter = read(with_headers({{"__connect.errors.topic", "a"},
                                         {"__connect.errors.partition", "2147483648"},
                                         {"__connect.errors.offset", "9223372036854775808"}}));
  EXPECT_THAT(letter.damaged, ElementsAre("header __connect.errors.partition is no partition",
                                          "header __connect.errors.offset is no number"));
}

TEST(DamagedHeaders, TimesBeyondTheCalendarAreNone) {
  for (const auto* time : {"-1", "253402300800000"})
    EXPECT_THAT(read(with_headers({{"kafka_dlt-original-topic", "a"},
                                   {"kafka_dlt-original-timestamp", time}}))
                    .damaged,
                ElementsAre("header kafka_dlt-original-timestamp is no time"))
        << time;
}

TEST(DamagedHeaders, ATimeOfDeathThatNoDatabaseTakesIsNotTold) {
  auto record = captured_records("spring").at(0);
  record.timestamp = Timestamp{std::chrono::milliseconds{253'402'300'800'000}};
  EXPECT_FALSE(read(record).dead_at);
}

TEST(DamagedHeaders, NullCountsAsAbsent) {
  const auto letter = read(with_headers({{"__connect.errors.topic", "a"},
                                         {"__connect.errors.offset", std::nullopt},
                                         {"__connect.errors.exception.message", std::nullopt}}));
  EXPECT_THAT(letter.damaged, IsEmpty());
  EXPECT_EQ(letter.error_text, "");
}

TEST(DamagedHeaders, AReasonThatCannotBeStoredIsNamed) {
  for (const auto& reason : {std::string(513, 'r'), std::string("\xFF")})
    EXPECT_THAT(
        read(with_headers({{"__dlq.errors.topic", "a"}, {"kinbox-reason", reason}})).damaged,
        ElementsAre("header kinbox-reason is no name"));
}

TEST(DamagedHeaders, AnEmptyReasonOrABadTimeOfKinboxIsNamed) {
  const auto letter = read(with_headers(
      {{"__dlq.errors.topic", "a"}, {"kinbox-reason", ""}, {"kinbox-dead-at", "yesterday"}}));
  EXPECT_EQ(letter.format, Format::kKinbox);
  EXPECT_THAT(letter.damaged,
              ElementsAre("header kinbox-reason is empty", "header kinbox-dead-at is no time"));
}

/// Whatever stands in the headers, the record is read, and its key and value stay.
TEST(DamagedHeaders, NeverCostARecord) {
  const std::vector<std::string> files{"spring",  "spring_retry_topic", "connect",    "streams",
                                       "karafka", "mass_transit",       "share_group"};
  const std::vector<std::optional<std::string>> values{std::nullopt,
                                                       "",
                                                       std::string(1, '\0'),
                                                       "\xFF\xFE",
                                                       std::string(8, '\x80'),
                                                       "-1",
                                                       "1e9",
                                                       std::string(70'000, 'x'),
                                                       "99999999999999999999"};
  for (const auto& file : files)
    for (const auto& sample : captured_records(file))
      for (std::size_t i = 0; i < sample.headers.size(); ++i)
        for (const auto& value : values) {
          auto record = sample;
          record.headers[i].value = value;
          const auto letter = read(record);
          EXPECT_EQ(letter.record.value, sample.value) << file << ' ' << record.headers[i].name;
        }
}

TEST(StackTrace, ItsFirstPlaceIsNotItsFirstLine) {
  EXPECT_EQ(first_place("java.lang.X: no\n\n\tat a.B.c(B.java:1)\n\tat d.E.f(E.java:2)"),
            "at a.B.c(B.java:1)");
  EXPECT_EQ(first_place("java.lang.X: no"), "");
}

}  // namespace
}  // namespace kinbox::foreign
