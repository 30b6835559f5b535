#pragma once

#include <string>

#include "kafka/handles.hpp"
#include "kinbox/kafka/settings.hpp"

namespace kinbox::kafka {

constexpr auto* kInstanceId = "group.instance.id";

/// Configurations of kinbox's clients: our defaults, the user's settings over them, and what kinbox
/// owns over all. Throws ConfigurationError. `instance_id` replaces the settings' if it is not
/// empty.
ConfHandle consumer_conf(const Settings& settings, const std::string& group,
                         const std::string& instance_id = {});
ConfHandle producer_conf(const Settings& settings);
ConfHandle admin_conf(const Settings& settings);

/// Starts a client. Throws ConfigurationError with the library's words when the settings do not go
/// together.
rd_kafka_t* start_client(rd_kafka_type_t type, ConfHandle conf);

/// "range,roundrobin" or "cooperative-sticky": what this version of librdkafka does right.
const char* default_assignment_strategy(int library_version);

/// Lets librdkafka's log lines and errors reach `owner->voice()`, where owner is the conf's opaque.
/// They are queued and come out on the thread that polls (see rd_kafka_set_log_queue).
template <class Owner>
void route_messages(rd_kafka_conf_t* conf) {
  rd_kafka_conf_set_log_cb(
      conf, [](const rd_kafka_t* rk, int level, const char* facility, const char* text) {
        static_cast<Owner*>(rd_kafka_opaque(rk))->voice().log(level, facility, text);
      });
  rd_kafka_conf_set_error_cb(conf, [](rd_kafka_t* rk, int error, const char* reason, void* owner) {
    static_cast<Owner*>(owner)->voice().error(rk, static_cast<rd_kafka_resp_err_t>(error), reason);
  });
}

}  // namespace kinbox::kafka
