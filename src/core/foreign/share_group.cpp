// The headers of Kafka's share groups (KIP-1191), and kinbox's, which are those and more.
#include "core/dlq_record.hpp"
#include "core/foreign/readers.hpp"

namespace kinbox::foreign {
namespace {

bool is_share_groups(std::string_view name) { return name.starts_with("__dlq.errors."); }

bool has_origin(const Record& record) { return record.header("__dlq.errors.topic").has_value(); }

void read_origin(DlqHeaders& headers, ForeignLetter& letter) {
  letter.origin.topic = headers.topic("__dlq.errors.topic");
  letter.origin.partition = headers.partition("__dlq.errors.partition");
  letter.origin.offset = headers.offset("__dlq.errors.offset");
  letter.group = headers.words("__dlq.errors.group");
}

void read_share_group(DlqHeaders& headers, ForeignLetter& letter) {
  read_origin(headers, letter);
  letter.error_text = headers.words("__dlq.errors.message");
  letter.attempts = headers.number("__dlq.errors.delivery.count");
  letter.dead_at = letter.record.timestamp;
  letter.record.timestamp.reset();
  // The broker copies no headers, and key and value only if it is told to.
  letter.partial = true;
}

bool is_kinboxs(const Record& record) {
  return has_origin(record) && record.header("kinbox-reason").has_value();
}

void read_kinbox(DlqHeaders& headers, ForeignLetter& letter) {
  read_origin(headers, letter);
  letter.reason = headers.name("kinbox-reason").value_or("");
  letter.handler = headers.words("kinbox-handler");
  letter.error_type = headers.words("kinbox-error-type");
  letter.error_text = headers.words("kinbox-error-message");
  letter.attempts = headers.number("kinbox-attempts");
  letter.first_failed_at = headers.time("kinbox-first-failed-at");
  letter.dead_at = headers.time("kinbox-dead-at");
}

}  // namespace

const Reader kShareGroupReader{Format::kShareGroup, has_origin, is_share_groups, read_share_group};
const Reader kKinboxReader{Format::kKinbox, is_kinboxs, is_dlq_header, read_kinbox};

}  // namespace kinbox::foreign
