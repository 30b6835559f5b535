#pragma once

#include <memory>
#include <string>

struct rd_kafka_s;

namespace kinbox::testing {

/// A member of a consumer group that is not kinbox: a bare librdkafka client with the assignment
/// strategy "range". It leaves when it is destroyed.
class PlainMember {
 public:
  PlainMember(const std::string& brokers, const std::string& group, const std::string& topic,
              const std::string& client_id);

  /// Serves rebalances, as a program that polls does.
  void poll();

 private:
  struct Leave {
    void operator()(rd_kafka_s* client) const;
  };
  std::unique_ptr<rd_kafka_s, Leave> client_;
};

}  // namespace kinbox::testing
