#include "simulation/schedule.hpp"

#include <algorithm>
#include <utility>

namespace kinbox::simulation {
namespace {

constexpr std::size_t kSteps = 150;
constexpr std::size_t kMostMembers = 3;
/// Of a virtual second each. Far more than any backoff asks for.
constexpr int kPatience = 2000;

}  // namespace

Schedule::Schedule(Store& store, std::uint64_t seed, std::ostream* trace)
    : world_(store, seed, trace), oracle_(world_), operators_(world_) {
  for (const auto& id : world_.story.partition_ids()) seats_.push_back({id, nullptr, nullptr});
}

Outcome Schedule::run() {
  hire();
  for (std::size_t n = 0; n < kSteps && world_.complaints.empty(); ++n) step();
  if (world_.complaints.empty()) come_to_rest();
  if (world_.complaints.empty()) oracle_.judge_the_end();
  members_.clear();
  seats_.clear();
  ghosts_.clear();
  return {world_.complaints, world_.trace};
}

void Schedule::step() {
  if (world_.dice.one_in(3))
    happen();
  else
    run_somebody();
  bury_the_dead();
  seat_orphans(false);
}

void Schedule::happen() {
  switch (world_.dice.below(22)) {
    case 0:
      return hire();
    case 1:
      return dismiss(world_.dice.one_in(2));
    case 2:
    case 3:
      return move_orderly();
    case 4:
    case 5:
      return move_behind_its_back();
    case 6:
    case 7:
      return exorcise_someone();
    case 8:
      return step_back();
    case 9:
      return lose_told();
    case 10:
      return anybody()->lose_broker(static_cast<int>(1 + world_.dice.below(3)));
    case 11:
    case 12:
      return world_.time.advance(std::chrono::milliseconds{world_.dice.below(2000)});
    case 13:
      return oracle_.judge_midway();
    case 14:
    case 15:
      return operators_.act();
    default:
      return world_.story.go_on();
  }
}

std::shared_ptr<Member> Schedule::anybody() { return world_.dice.pick(members_); }

void Schedule::run_somebody() {
  const auto member = anybody();
  for (auto times = 1 + world_.dice.below(4); times > 0; --times) member->resume();
}

void Schedule::hire() {
  if (members_.size() >= kMostMembers) return;
  world_.note("joins", ++hired_);
  members_.push_back(std::make_shared<Member>(world_, hired_));
}

void Schedule::dismiss(bool orderly) {
  const auto member = anybody();
  if (orderly) return member->stop();
  world_.note("is killed", member->incarnation());
  if (world_.dice.one_in(4))
    member->fail_fatally();
  else
    member->crash();
}

void Schedule::bury_the_dead() {
  std::erase_if(members_, [](const auto& member) { return member->over(); });
  std::erase_if(ghosts_, [](const auto& ghost) { return ghost.member->over(); });
  for (auto& seat : seats_) {
    if (seat.owner && seat.owner->over()) seat.owner = nullptr;
    if (seat.leaving && seat.leaving->over()) seat.leaving = nullptr;
  }
  if (members_.empty()) hire();
}

void Schedule::seat(Seat& seat, const std::shared_ptr<Member>& member) {
  for (std::size_t n = ghosts_.size(); n-- > 0;)
    if (ghosts_[n].member == member && ghosts_[n].partition == seat.partition) exorcise(n);
  world_.note("gets " + seat.partition.topic, member->incarnation(), seat.partition.partition);
  seat.owner = member;
  member->assign({seat.partition});
}

void Schedule::seat_orphans(bool all) {
  for (auto& seat : seats_) {
    if (seat.leaving && !seat.leaving->has(seat.partition)) seat.leaving = nullptr;
    if (seat.owner || seat.leaving) continue;
    // A dead member is noticed after a while.
    if (all || world_.dice.one_in(3)) this->seat(seat, anybody());
  }
}

void Schedule::move_orderly() {
  auto& seat = world_.dice.pick(seats_);
  if (!seat.owner) return;
  world_.note("must give " + seat.partition.topic, seat.owner->incarnation());
  seat.owner->revoke({seat.partition}, Revocation::kOrderly);
  seat.leaving = std::exchange(seat.owner, nullptr);
}

void Schedule::move_behind_its_back() {
  auto& seat = world_.dice.pick(seats_);
  const auto heir = anybody();
  if (!seat.owner || seat.owner == heir) return;
  world_.note("is believed dead", seat.owner->incarnation());
  ghosts_.push_back({seat.partition, seat.owner});
  this->seat(seat, heir);
}

void Schedule::exorcise(std::size_t index) {
  const auto ghost = ghosts_[index];
  ghosts_.erase(ghosts_.begin() + static_cast<std::ptrdiff_t>(index));
  world_.note("lost " + ghost.partition.topic, ghost.member->incarnation());
  ghost.member->revoke({ghost.partition}, Revocation::kLost);
}

void Schedule::exorcise_someone() {
  if (!ghosts_.empty()) exorcise(world_.dice.below(ghosts_.size()));
}

void Schedule::step_back() {
  const auto& seat = world_.dice.pick(seats_);
  if (!seat.owner) return;
  const auto first = world_.story.partitions().at(seat.partition).first;
  const auto range = world_.log.range(seat.partition);
  const auto length = static_cast<std::size_t>(range.end - first);
  if (length == 0) return;
  seat.owner->step_back(seat.partition, first + static_cast<Offset>(world_.dice.below(length)));
}

void Schedule::lose_told() {
  const auto& seat = world_.dice.pick(seats_);
  const auto first = world_.story.partitions().at(seat.partition).first;
  const auto told = world_.log.told(seat.partition);
  if (!told) return;
  const auto length = static_cast<std::size_t>(*told - first + 1);
  world_.log.set_told(seat.partition, first + static_cast<Offset>(world_.dice.below(length)));
}

void Schedule::come_to_rest() {
  world_.note("faults end", 0);
  world_.rates = {};
  world_.story.end();
  while (!ghosts_.empty()) exorcise(0);
  bool mended = false;
  for (int round = 0; round < kPatience; ++round) {
    for (const auto& member : std::vector(members_)) member->resume();
    world_.time.advance(std::chrono::seconds{1});
    bury_the_dead();
    seat_orphans(true);
    if (round % 5 != 4 || !is_consumed() || operators_.wait()) continue;
    // Each at least once.
    if (std::exchange(mended, true) && operators_.is_done()) break;
    operators_.mend();
  }
  if (!is_consumed() || !operators_.is_done())
    world_.complain("it never came to rest: " + unrest());
  for (const auto& member : members_) {
    member->stop();
    for (int n = 0; n < kPatience && !member->over(); ++n) member->resume();
    if (!member->over()) world_.complain("a member did not leave");
  }
}

bool Schedule::is_consumed() {
  return world_.waiting() == 0 && std::all_of(seats_.begin(), seats_.end(), [&](const auto& seat) {
           return world_.next_offset(seat.partition) == world_.log.range(seat.partition).end;
         });
}

std::string Schedule::unrest() {
  auto text = std::to_string(world_.waiting()) + " events wait";
  for (const auto& seat : seats_)
    text += ", " + seat.partition.topic + '/' + std::to_string(seat.partition.partition) + " at " +
            std::to_string(world_.next_offset(seat.partition)) + " of " +
            std::to_string(world_.log.range(seat.partition).end);
  return text;
}

Outcome simulate(Store& store, std::uint64_t seed, std::ostream* trace) {
  store.wipe();
  return Schedule(store, seed, trace).run();
}

}  // namespace kinbox::simulation
