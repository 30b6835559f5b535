#include "simulation/story.hpp"

#include <array>

#include "kinbox/reason.hpp"

namespace kinbox::simulation {
namespace {

constexpr std::array kBadConduct{
    Conduct::kRejects,          Conduct::kThrows,           Conduct::kViolatesConstraint,
    Conduct::kSwallowsSqlError, Conduct::kViolatesAtCommit, Conduct::kCommitsItself,
    Conduct::kKillsConnection,  Conduct::kNobodyTakesIt,    Conduct::kTransient,
    Conduct::kTransient,        Conduct::kTransient,        Conduct::kSlow};

const std::array<std::string, 3> kPoison{"{broken", "{}", "null"};

std::string value_of(const PlannedEvent& event, int variant) {
  const auto* type = event.conduct == Conduct::kNobodyTakesIt ? "Unheard" : "Created";
  return R"({"eventId":")" + event.id + R"(","eventType":")" + type + R"(","n":)" +
         std::to_string(variant) + "}";
}

}  // namespace

Story::Story(testing::ScriptedLog& log, Dice& dice, Rules rules)
    : log_(log), dice_(dice), rules_(rules) {
  const auto count = 1 + dice_.below(4);
  for (std::size_t n = 0; n < count; ++n) {
    const auto& id = ids_.emplace_back(TopicPartition{
        n % 2 == 0 ? "orders.created" : "orders.changed", static_cast<std::int32_t>(n / 2)});
    auto& partition = partitions_[id];
    if (!dice_.one_in(4)) continue;
    // The group was here before, without kinbox.
    partition.first = static_cast<Offset>(1 + dice_.below(5));
    log_.append_gap(id, partition.first);
    log_.set_told(id, partition.first);
  }
}

void Story::go_on() {
  const auto& partition = dice_.pick(ids_);
  const auto what = dice_.below(20);
  if (what < 12 || events_.empty()) return append_event(partition, invent(any_conduct()), 0);
  if (what < 18) {
    const auto& again =
        std::next(events_.begin(), static_cast<std::ptrdiff_t>(dice_.below(events_.size())))
            ->second;
    return append_event(partition, again, dice_.one_in(8) ? 1 : 0);
  }
  if (what < 19) return append(partition, {"", dice_.pick(kPoison)}, "k");
  log_.append_gap(partition, static_cast<Offset>(1 + dice_.below(3)));
}

void Story::end() {
  for (const auto& id : ids_) append_event(id, invent(Conduct::kFine), 0);
}

Conduct Story::any_conduct() { return dice_.one_in(6) ? dice_.pick(kBadConduct) : Conduct::kFine; }

const PlannedEvent& Story::invent(Conduct conduct) {
  // Not in order of creation: claims are sorted by id.
  auto id = "e-" + std::to_string(dice_.below(1000)) + '-' + std::to_string(events_.size());
  auto key = "k" + std::to_string(dice_.below(rules_.keys));
  const int failures = conduct == Conduct::kTransient ? 1 + static_cast<int>(dice_.below(2)) : 0;
  return events_.emplace(id, PlannedEvent{id, std::move(key), conduct, failures}).first->second;
}

void Story::append_event(const TopicPartition& partition, const PlannedEvent& event, int variant) {
  append(partition, {event.id, value_of(event, variant)}, event.key);
}

void Story::append(const TopicPartition& partition, PlannedRecord record, const std::string& key) {
  const auto offset = log_.append_json(partition, record.value, key);
  partitions_.at(partition).records.emplace(offset, std::move(record));
}

Verdict Story::fate_of_poison() const {
  return rules_.then == Then::kSkip ? Verdict::kSkipped : Verdict::kDead;
}

Verdict Story::fate(const PlannedEvent& event) const {
  switch (event.conduct) {
    case Conduct::kFine:
    case Conduct::kTransient:
    case Conduct::kSlow:
      return Verdict::kApplied;
    case Conduct::kNobodyTakesIt:
      if (rules_.unknown_types == UnknownTypes::kSkip) return Verdict::kSkipped;
      return fate_of_poison();
    default:
      // What became a letter stays one, where nobody applies it.
      return event.buried_by_hand ? Verdict::kDead : fate_of_poison();
  }
}

std::string_view Story::reason(const PlannedEvent& event) {
  switch (event.conduct) {
    case Conduct::kRejects:
      return reason::kHandlerRejected;
    case Conduct::kKillsConnection:
      return reason::kKillsTransaction;
    case Conduct::kNobodyTakesIt:
      return reason::kUnknownType;
    default:
      return reason::kRetriesExhausted;
  }
}

}  // namespace kinbox::simulation
