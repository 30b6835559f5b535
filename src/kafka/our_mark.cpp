#include "kafka/our_mark.hpp"

#include <cstdlib>
#include <cstring>
#include <string_view>

namespace kinbox::kafka {
namespace {

constexpr std::string_view kMark = "kinbox";

}  // namespace

void set_our_mark(rd_kafka_topic_partition_t& told) {
  // librdkafka frees it.
  void* const mark = std::malloc(kMark.size());
  if (mark == nullptr) return;
  std::memcpy(mark, kMark.data(), kMark.size());
  std::free(told.metadata);
  told.metadata = mark;
  told.metadata_size = kMark.size();
}

bool has_our_mark(const rd_kafka_topic_partition_t& told) {
  return told.metadata != nullptr &&
         std::string_view(static_cast<const char*>(told.metadata), told.metadata_size) == kMark;
}

}  // namespace kinbox::kafka
