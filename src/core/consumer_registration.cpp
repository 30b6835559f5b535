#include "core/consumer_registration.hpp"

#include "kinbox/errors.hpp"

namespace kinbox {
namespace {

constexpr std::string_view kRegister =
    "INSERT INTO {kinbox}.consumers (name, group_id, cluster_id) VALUES ($1, $2, $3) "
    "ON CONFLICT (name) DO NOTHING";
constexpr std::string_view kFind =
    "SELECT group_id, cluster_id FROM {kinbox}.consumers WHERE name = $1";
constexpr std::string_view kLearnCluster =
    "UPDATE {kinbox}.consumers SET cluster_id = $2 WHERE name = $1 AND cluster_id = ''";

[[noreturn]] void refuse(const std::string& name, const std::string& what, const std::string& known,
                         const std::string& ours) {
  throw RefusedError("consumer \"" + name + "\" belongs to " + what + " \"" + known +
                     "\" in this database, and was started with \"" + ours +
                     "\": its positions are of other records. Give this consumer another name, or "
                     "use the database that belongs to it");
}

}  // namespace

void register_consumer(Database& database, const std::string& name, const std::string& group,
                       const std::string& cluster_id) {
  const auto& dialect = database.dialect();
  const auto tx = database.begin();
  tx->execute(dialect.render(kRegister), name, group, cluster_id);
  tx->execute(dialect.render(kLearnCluster), name, cluster_id);
  const auto row = tx->query(dialect.render(kFind), name);
  const auto known_group = row[0].get<std::string>("group_id");
  const auto known_cluster = row[0].get<std::string>("cluster_id");
  if (known_group != group) refuse(name, "group", known_group, group);
  if (!cluster_id.empty() && known_cluster != cluster_id)
    refuse(name, "cluster", known_cluster, cluster_id);
  tx->commit();
}

}  // namespace kinbox
