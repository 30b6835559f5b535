#include "cli/audit/audit_view.hpp"

#include "cli/dlq/ask.hpp"
#include "core/iso_time.hpp"

namespace kinbox::cli {
namespace {

constexpr std::string_view kColumns =
    "SELECT id, CAST(at AS text) AS at, who, action, consumer, filter, reason, affected, outcome "
    "FROM {kinbox}.audit WHERE 1 = 1";

}  // namespace

Rows AuditView::list(const AuditSelection& selection) {
  BoundSql query{std::string(kColumns), {}};
  const auto add = [&](const char* condition, SqlValue value) {
    query.arguments.push_back(std::move(value));
    query.text += condition + std::to_string(query.arguments.size());
  };
  if (selection.consumer) add(" AND consumer = $", *selection.consumer);
  if (selection.action) add(" AND action = $", *selection.action);
  if (selection.who) add(" AND who = $", *selection.who);
  if (selection.since) add(" AND at >= $", iso_text(*selection.since));
  if (selection.until) add(" AND at < $", iso_text(*selection.until));
  if (selection.before) add(" AND id < $", *selection.before);
  query.text += " ORDER BY id DESC LIMIT " + std::to_string(selection.limit);
  return ask(database_, "audit", query);
}

}  // namespace kinbox::cli
