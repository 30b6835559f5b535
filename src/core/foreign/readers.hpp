#pragma once

#include <span>
#include <string_view>

#include "core/foreign/dlq_headers.hpp"
#include "core/foreign/foreign_letter.hpp"

namespace kinbox::foreign {

/// What is known of one format.
struct Reader {
  Format format;
  /// Whether the headers show this format.
  bool (*recognises)(const Record& record);
  /// Whether a header of that name is the format's, not the failed record's.
  bool (*owns)(std::string_view name);
  /// Fills in what the headers say. `letter.record` is a copy of the DLQ's record, its headers and
  /// coordinates are seen to.
  void (*read)(DlqHeaders& headers, ForeignLetter& letter);
};

/// kinbox's DLQ: what core/dlq_record writes.
extern const Reader kKinboxReader;
/// Share groups (KIP-1191).
extern const Reader kShareGroupReader;
/// Spring Kafka: DeadLetterPublishingRecoverer and @RetryableTopic.
extern const Reader kSpringReader;
/// Kafka Connect, with errors.deadletterqueue.context.headers.enable.
extern const Reader kConnectReader;
/// Kafka Streams (KIP-1034).
extern const Reader kStreamsReader;
extern const Reader kKarafkaReader;
extern const Reader kMassTransitReader;

/// All of them. Of two that know the same headers, the more exact one is first.
std::span<const Reader* const> all_readers();

}  // namespace kinbox::foreign
