#include "core/replay/replay_events.hpp"

#include <algorithm>
#include <string_view>
#include <vector>

#include "core/age.hpp"

namespace kinbox {
namespace {

bool is_among(std::string_view value, const std::vector<std::string>& wanted) {
  return wanted.empty() || std::ranges::find(wanted, value) != wanted.end();
}

}  // namespace

ReplayEvents::Found ReplayEvents::find(const Record& record) const {
  Found found;
  if (!has_key(record)) {
    found.kind = Kind::kOutside;
    return found;
  }
  auto decoded = rules_.decoder.decode(record);
  auto* const event = std::get_if<Event>(&decoded);
  if (event == nullptr) return found;
  found.event = std::move(*event);
  found.handler = rules_.handlers.find(found.event->type());
  if (!is_meant(found))
    found.kind = Kind::kOutside;
  else if (is_too_old(record, rules_.older_than))
    found.kind = Kind::kTooOld;
  else
    found.kind = found.handler == nullptr ? Kind::kUnhandled : Kind::kMeant;
  return found;
}

bool ReplayEvents::has_key(const Record& record) const {
  if (rules_.filter.keys.empty()) return true;
  return record.key() && is_among(as_text(*record.key()), rules_.filter.keys);
}

bool ReplayEvents::is_meant(const Found& found) const {
  const auto& filter = rules_.filter;
  if (!is_among(found.event->id(), filter.event_ids)) return false;
  if (!is_among(found.event->type(), filter.event_types)) return false;
  return filter.handlers.empty() ||
         (found.handler != nullptr && is_among(found.handler->name, filter.handlers));
}

}  // namespace kinbox
