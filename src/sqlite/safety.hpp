#pragma once

#include <string>

#include "sqlite/connection.hpp"

namespace kinbox::sqlite {

/// Throws RefusedError when the tables behind `connection` no longer have the keys and the guard
/// that the promise stands on.
void refuse_changed_schema(Connection& connection);

/// Throws RefusedError when `file_system` (statfs's f_type) is a network file system: the
/// write-ahead log's index is shared memory, which two machines do not share.
void refuse_network_file_system(const std::string& path, long file_system);

/// f_type of the file system that holds `path`; 0 if it cannot be told.
long file_system_of(const std::string& path);

}  // namespace kinbox::sqlite
