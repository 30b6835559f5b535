#include <librdkafka/rdkafka.h>

#include <stdexcept>
#include <utility>
#include <vector>

#include "core/header_codec.hpp"
#include "libpq_session.hpp"
#include "producer_client.hpp"
#include "relay_contenders.hpp"

namespace kinbox::bench {
namespace {

// SKIP LOCKED: what most use so that a second relay does no harm.
constexpr const char* kSelect =
    "SELECT id, topic, key, value, headers FROM outbox WHERE state = 'pending' "
    "ORDER BY id LIMIT 500 FOR UPDATE SKIP LOCKED";
constexpr const char* kMark =
    "UPDATE outbox SET state = 'sent', sent_at = clock_timestamp(), attempts = attempts + 1 "
    "WHERE id = ANY ($1::bigint[])";
constexpr int kTickMilliseconds = 100;

/// A bytea in PostgreSQL's text form.
class Unescaped {
 public:
  explicit Unescaped(const char* text)
      : bytes_(PQunescapeBytea(reinterpret_cast<const unsigned char*>(text), &size_), PQfreemem) {}
  void* data() const { return bytes_.get(); }
  std::size_t size() const { return size_; }

 private:
  std::size_t size_ = 0;
  std::unique_ptr<unsigned char, void (*)(void*)> bytes_;
};

class HandRelay {
 public:
  explicit HandRelay(const RelayTask& task)
      : session_({.location = task.postgres, .schema = task.schema}),
        client_(make_producer(task.brokers, std::chrono::milliseconds{1}, on_report, this)) {
    session_.prepare("begin", "BEGIN");
    session_.prepare("select", kSelect);
    session_.prepare("mark", kMark);
    session_.prepare("commit", "COMMIT");
  }

  /// How many events it carried.
  int turn() {
    session_.run_prepared("begin", {});
    const auto rows = session_.run_prepared("select", {});
    const int count = PQntuples(rows.get());
    std::string ids = "{";
    for (int row = 0; row < count; ++row) {
      produce(rows.get(), row);
      (ids.size() > 1 ? ids.append(",") : ids).append(PQgetvalue(rows.get(), row, 0));
    }
    await_reports();
    session_.run_prepared("mark", {ids + "}"});
    require_commit(session_.run_prepared("commit", {}));
    return count;
  }

 private:
  static void on_report(rd_kafka_t*, const rd_kafka_message_t* report, void* self) {
    auto& relay = *static_cast<HandRelay*>(self);
    --relay.under_way_;
    if (report->err != RD_KAFKA_RESP_ERR_NO_ERROR) relay.error_ = report->err;
  }

  static rd_kafka_headers_t* headers_from(const char* text) {
    const auto headers = decode_headers(text);
    auto* made = rd_kafka_headers_new(headers.size());
    for (const auto& [name, value] : headers)
      rd_kafka_header_add(made, name.data(), static_cast<ssize_t>(name.size()), value->data(),
                          static_cast<ssize_t>(value->size()));
    return made;
  }

  void produce(const PGresult* rows, int row) {
    const auto text = [&](int column) { return PQgetvalue(rows, row, column); };
    const Unescaped key(text(2));
    const Unescaped value(text(3));
    auto* headers = headers_from(text(4));
    const auto error = rd_kafka_producev(
        client_.get(), RD_KAFKA_V_TOPIC(text(1)), RD_KAFKA_V_KEY(key.data(), key.size()),
        RD_KAFKA_V_VALUE(value.data(), value.size()), RD_KAFKA_V_HEADERS(headers),
        RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_END);
    if (error != RD_KAFKA_RESP_ERR_NO_ERROR) {
      rd_kafka_headers_destroy(headers);
      throw std::runtime_error(rd_kafka_err2str(error));
    }
    ++under_way_;
  }

  void await_reports() {
    while (under_way_ > 0) rd_kafka_poll(client_.get(), kTickMilliseconds);
    if (error_ != RD_KAFKA_RESP_ERR_NO_ERROR) throw std::runtime_error(rd_kafka_err2str(error_));
  }

  LibpqSession session_;
  int under_way_ = 0;
  rd_kafka_resp_err_t error_ = RD_KAFKA_RESP_ERR_NO_ERROR;
  kafka::ClientHandle client_;
};

}  // namespace

void relay_by_hand(const RelayTask& task, RunClock& clock) {
  HandRelay relay(task);
  clock.received();
  while (!clock.over()) {
    const int carried = relay.turn();
    if (carried == 0) throw std::runtime_error("the outbox is empty before all was carried");
    clock.committed(carried);
  }
}

}  // namespace kinbox::bench
