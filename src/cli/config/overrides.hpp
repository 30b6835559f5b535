#pragma once

#include <yaml-cpp/yaml.h>

#include "cli/config/node.hpp"

namespace kinbox::cli {

/// Puts KINBOX_* variables into the file's tree and notes their paths in `reading`:
///
///   KINBOX_DATABASE_URL            sqlite:PATH or postgresql://...; replaces the file's database
///   KINBOX_DATABASE_SCHEMA, _PASSWORD_FILE, _MIGRATE     database.schema, ...
///   KINBOX_LOG_FORMAT, _LEVEL                            log.format, log.level
///   KINBOX_KAFKA_BOOTSTRAP_SERVERS                       kafka: bootstrap.servers
///   KINBOX_KAFKA_SASL_PASSWORD_FILE                      kafka: sasl_password_file
///   KINBOX_KAFKA_ANY_OTHER_SETTING                       kafka: any.other.setting
///
/// An empty variable counts as not set. An unknown KINBOX_DATABASE_* or KINBOX_LOG_* is a problem;
/// variables that Kubernetes makes for services (KINBOX_KAFKA_PORT_9092_TCP) are left alone.
void apply_overrides(YAML::Node& root, Reading& reading);

}  // namespace kinbox::cli
