#include "kinbox/kafka/mock_cluster.hpp"

#include <librdkafka/rdkafka.h>
// After rdkafka.h.
#include <librdkafka/rdkafka_mock.h>

#include <array>

#include "kafka/client_config.hpp"
#include "kinbox/errors.hpp"

namespace kinbox::kafka {

struct MockCluster::Impl {
  /// Lends the cluster its threads; talks to nobody.
  ClientHandle host;
  std::unique_ptr<rd_kafka_mock_cluster_t, Destroy<rd_kafka_mock_cluster_destroy>> cluster;
};

MockCluster::MockCluster(int brokers) : impl_(std::make_unique<Impl>()) {
  ConfHandle conf(rd_kafka_conf_new());
  rd_kafka_conf_set_log_cb(conf.get(), nullptr);
  impl_->host.reset(start_client(RD_KAFKA_PRODUCER, std::move(conf)));
  impl_->cluster.reset(rd_kafka_mock_cluster_new(impl_->host.get(), brokers));
  if (!impl_->cluster) throw InfrastructureError("librdkafka's mock cluster did not start");
}

MockCluster::~MockCluster() = default;
MockCluster::MockCluster(MockCluster&&) noexcept = default;
MockCluster& MockCluster::operator=(MockCluster&&) noexcept = default;

std::string MockCluster::bootstrap_servers() const {
  return rd_kafka_mock_cluster_bootstraps(handle());
}

void MockCluster::create_topic(const std::string& name, int partitions) {
  const auto error = rd_kafka_mock_topic_create(handle(), name.c_str(), partitions, 1);
  if (error != RD_KAFKA_RESP_ERR_NO_ERROR)
    throw ConfigurationError("mock topic \"" + name + "\": " + rd_kafka_err2str(error));
}

rd_kafka_mock_cluster_s* MockCluster::handle() const noexcept { return impl_->cluster.get(); }

}  // namespace kinbox::kafka
