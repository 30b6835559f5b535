#include "core/foreign/readers.hpp"
#include "core/topic_name.hpp"

namespace kinbox::foreign {
namespace {

bool owns(std::string_view name) { return name.starts_with("MT-Fault-") || name == "MT-Reason"; }

bool recognises(const Record& record) {
  return record.header("MT-Fault-ExceptionType").has_value() ||
         record.header("MT-Fault-Message").has_value();
}

/// The topic out of "loopback://localhost/kafka/orders". Other transports have queues.
std::optional<std::string> topic_of(std::string_view address) {
  constexpr std::string_view kRider = "/kafka/";
  const auto at = address.find(kRider);
  if (at == std::string_view::npos) return std::nullopt;
  address.remove_prefix(at + kRider.size());
  address = address.substr(0, address.find('?'));
  if (!is_topic_name(address)) return std::nullopt;
  return std::string(address);
}

void read(DlqHeaders& headers, ForeignLetter& letter) {
  // Partition and offset are not told.
  letter.origin.topic = topic_of(headers.words("MT-Fault-InputAddress"));
  letter.group = headers.words("MT-Fault-ConsumerType");
  letter.error_type = headers.words("MT-Fault-ExceptionType");
  letter.error_text = headers.words("MT-Fault-Message");
  letter.thrown_at = first_place(headers.words("MT-Fault-StackTrace"));
  if (const auto retries = headers.number("MT-Fault-RetryCount")) letter.attempts = *retries + 1;
  letter.dead_at = headers.time("MT-Fault-Timestamp");
  if (!letter.dead_at) letter.dead_at = letter.record.timestamp;
  letter.record.timestamp.reset();
}

}  // namespace

const Reader kMassTransitReader{Format::kMassTransit, recognises, owns, read};

}  // namespace kinbox::foreign
