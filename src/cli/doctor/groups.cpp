#include "kinbox/kafka/groups.hpp"

#include "cli/doctor/examinations.hpp"
#include "cli/status/worker_rows.hpp"
#include "kinbox/errors.hpp"

namespace kinbox::cli {
namespace {

std::size_t at_work(const Rows& workers, const std::string& consumer) {
  std::size_t count = 0;
  for (const auto row : workers)
    if (row.get<std::string>("consumer") == consumer && row.get<std::string>("state") == "at work")
      ++count;
  return count;
}

std::string joined_members(const std::vector<std::string>& members) {
  std::string text;
  for (const auto& member : members) text += (text.empty() ? "" : ", ") + member;
  return text;
}

/// Each worker is one member. More members than workers are somebody else, who gets partitions
/// whose records this database never sees.
void judge(const ConsumerConfig& consumer, const kafka::GroupState& group,
           std::optional<std::size_t> workers, Findings& findings) {
  const auto check = "group " + consumer.group;
  const auto state = group.state + ", " + std::to_string(group.members.size()) + " members";
  if (!workers || group.members.size() <= *workers)
    return findings.ok(check, state + (workers ? ", " + std::to_string(*workers) +
                                                     " workers at work for " + consumer.name
                                               : ""));
  findings.warn(check,
                state + ", and this database knows of " + std::to_string(*workers) +
                    " workers for " + consumer.name +
                    ": others are in the group: " + joined_members(group.members),
                "stop them, or give them a group of their own: see kinbox workers");
}

}  // namespace

void examine_groups(const Config& config, const kafka::Settings& settings,
                    std::chrono::milliseconds patience, Database* database, Findings& findings) {
  findings.attempt("groups", "let this user describe its groups (DESCRIBE on the group)", [&] {
    std::optional<Rows> workers;
    if (database != nullptr) workers = WorkerRows(*database).all();
    kafka::Groups groups(settings, patience);
    for (const auto& consumer : config.consumers)
      judge(consumer, groups.state(consumer.group),
            workers ? std::optional(at_work(*workers, consumer.name)) : std::nullopt, findings);
  });
}

}  // namespace kinbox::cli
