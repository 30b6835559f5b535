#include "kinbox/handler_registry.hpp"

#include <algorithm>

#include "kinbox/errors.hpp"

namespace kinbox {
namespace {

constexpr std::string_view kRest = "*";

[[noreturn]] void refuse(const std::string& handler, const std::string& what) {
  throw ConfigurationError("handler \"" + handler + "\": " + what);
}

std::string joined(const std::vector<std::string>& names) {
  std::string all;
  for (const auto& name : names) all += (all.empty() ? "" : ", ") + name;
  return all.empty() ? "none" : all;
}

void require_known_settings(const HandlerUse& use) {
  const auto& known = use.spec.setting_names;
  for (const auto& [name, value] : use.settings)
    if (std::find(known.begin(), known.end(), name) == known.end())
      refuse(use.spec.name, "no setting \"" + name + "\"; it has: " + joined(known));
}

std::unique_ptr<Handler> make_handler(const HandlerUse& use, const Dialect& dialect,
                                      const OutboxOptions& outbox) {
  if (use.spec.event_types.empty())
    refuse(use.spec.name, "takes no event type; name some, or \"*\"");
  if (!use.spec.make) refuse(use.spec.name, "has no factory (HandlerSpec::make)");
  require_known_settings(use);
  auto handler = use.spec.make({.dialect = dialect, .settings = use.settings, .outbox = outbox});
  if (!handler) refuse(use.spec.name, "its factory made nothing");
  return handler;
}

void refuse_second_claim(const std::string& handler, const std::string& type,
                         const std::string& owner) {
  const auto what = type == kRest ? "all other event types (\"*\")" : "event type \"" + type + '"';
  refuse(handler, "takes " + what + ", which handler \"" + owner +
                      "\" takes already; one consumer has one handler per type, so give one of "
                      "them a consumer of its own");
}

}  // namespace

HandlerRegistry::HandlerRegistry(std::vector<HandlerUse> uses, const Dialect& dialect,
                                 const OutboxOptions& outbox) {
  for (const auto& use : uses) {
    const auto& name = use.spec.name;
    if (std::any_of(entries_.begin(), entries_.end(),
                    [&](const auto& e) { return e->name == name; }))
      refuse(name, "stands twice in this consumer");
    entries_.push_back(
        std::make_unique<Entry>(Entry{.name = name,
                                      .traits = use.spec.traits,
                                      .on_error = use.on_error,
                                      .handler = make_handler(use, dialect, outbox)}));
    const auto* entry = entries_.back().get();
    for (const auto& type : use.spec.event_types) {
      const auto [claimed, fresh] = by_type_.emplace(type, entry);
      if (!fresh) refuse_second_claim(name, type, claimed->second->name);
    }
  }
  const auto rest = by_type_.find(kRest);
  if (rest != by_type_.end()) rest_ = rest->second;
}

const HandlerRegistry::Entry* HandlerRegistry::find(std::string_view event_type) const {
  const auto found = by_type_.find(event_type);
  return found == by_type_.end() ? rest_ : found->second;
}

const HandlerRegistry::Entry* HandlerRegistry::by_name(std::string_view name) const {
  const auto found = std::find_if(entries_.begin(), entries_.end(),
                                  [&](const auto& entry) { return entry->name == name; });
  return found == entries_.end() ? nullptr : found->get();
}

std::vector<HandlerLadder> HandlerRegistry::ladders(const OnError& of_consumer) const {
  std::vector<HandlerLadder> ladders;
  for (const auto& entry : entries_)
    ladders.push_back({entry->name, entry->on_error ? &*entry->on_error : &of_consumer});
  return ladders;
}

}  // namespace kinbox
