#include "sqlite/safety.hpp"

#include <sys/vfs.h>

#include <array>

#include "kinbox/errors.hpp"

namespace kinbox::sqlite {
namespace {

/// A unique key that must be there: its columns in order, each with type, collation and NOT NULL.
struct RequiredKey {
  const char* table;
  const char* columns;
  const char* otherwise;
};

constexpr std::array<RequiredKey, 3> kRequiredKeys{{
    {"processed_events", "consumer TEXT BINARY 1, event_id TEXT BINARY 1",
     "an event could be applied twice"},
    {"consumer_progress", "consumer TEXT BINARY 1, topic TEXT BINARY 1, partition INTEGER BINARY 1",
     "a partition could have two positions"},
    {"letters",
     "consumer TEXT BINARY 1, topic TEXT BINARY 1, topic_id TEXT BINARY 1, partition INTEGER "
     "BINARY 1, record_offset INTEGER BINARY 1",
     "a record could have two dead letters"},
}};

/// Unique keys of a table, one row each, in the form of RequiredKey::columns.
std::string keys_of(const std::string& table) {
  return "SELECT (SELECT group_concat(k.name || ' ' || c.type || ' ' || k.coll || ' ' || "
         "c.\"notnull\", ', ') FROM pragma_index_xinfo(i.name) AS k JOIN pragma_table_info('" +
         table + "') AS c ON c.name = k.name WHERE k.key) FROM pragma_index_list('" + table +
         "') AS i WHERE i.\"unique\" AND NOT i.partial";
}

constexpr const char* kGuard =
    "SELECT 1 FROM pragma_foreign_key_list('consumer_progress') WHERE \"from\" = 'open_batch' "
    "AND \"table\" = 'no_open_batch'";
constexpr const char* kGuardHolds = "SELECT 1 FROM main.no_open_batch";

struct FileSystem {
  long magic;
  const char* name;
};

constexpr std::array<FileSystem, 7> kNetworkFileSystems{{
    {0x6969, "NFS"},
    {0x517b, "SMB"},
    {static_cast<long>(0xff534d42), "CIFS"},
    {static_cast<long>(0xfe534d42), "SMB2"},
    {0x01021997, "9p"},
    {0x00c36400, "Ceph"},
    {0x5346414f, "AFS"},
}};

[[noreturn]] void refuse(const std::string& what, const std::string& otherwise) {
  throw RefusedError("SQLite schema: " + what + ", so " + otherwise +
                     "; undo the change, or restore the table as migrations/sqlite makes it");
}

bool has_key(Connection& connection, const RequiredKey& key) {
  for (const auto row : connection.query_as_framework(keys_of(key.table)))
    if (row.get<std::optional<std::string>>(0) == key.columns) return true;
  return false;
}

}  // namespace

void refuse_changed_schema(Connection& connection) {
  for (const auto& key : kRequiredKeys)
    if (!has_key(connection, key))
      refuse(std::string(key.table) + " lacks its unique key (" + key.columns + ")", key.otherwise);
  if (connection.query_as_framework(kGuard).empty())
    refuse("consumer_progress.open_batch lacks its foreign key to no_open_batch",
           "a handler's COMMIT could pass for kinbox's");
  if (!connection.query_as_framework(kGuardHolds).empty())
    refuse("no_open_batch holds a row", "a handler's COMMIT could pass for kinbox's");
}

void refuse_network_file_system(const std::string& path, long file_system) {
  for (const auto& known : kNetworkFileSystems)
    if (known.magic == file_system)
      throw RefusedError("SQLite file " + path + " is on " + known.name +
                         ": a network file system does not keep write-ahead logging safe; use a "
                         "local disk, or PostgreSQL");
}

long file_system_of(const std::string& path) {
  struct statfs found {};
  return statfs(path.c_str(), &found) == 0 ? static_cast<long>(found.f_type) : 0;
}

}  // namespace kinbox::sqlite
