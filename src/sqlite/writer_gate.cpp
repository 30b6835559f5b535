#include "sqlite/writer_gate.hpp"

#include <iterator>
#include <map>
#include <utility>

namespace kinbox::sqlite {

std::shared_ptr<WriterGate> WriterGate::of(const std::string& canonical_path) {
  static std::mutex mutex;
  static std::map<std::string, std::weak_ptr<WriterGate>> gates;
  const std::lock_guard lock(mutex);
  auto& slot = gates[canonical_path];
  auto gate = slot.lock();
  if (!gate) slot = gate = std::make_shared<WriterGate>();
  return gate;
}

WriterGate::Turn& WriterGate::Turn::operator=(Turn&& other) noexcept {
  if (this == &other) return *this;
  give_back();
  gate_ = std::move(other.gate_);
  return *this;
}

void WriterGate::Turn::give_back() noexcept {
  if (const auto gate = std::exchange(gate_, nullptr)) gate->leave();
}

WriterGate::Turn WriterGate::enter(Deadline deadline) {
  std::unique_lock lock(mutex_);
  if (!taken_) {
    taken_ = true;
    return Turn(shared_from_this());
  }
  const auto self = waiting_.emplace(waiting_.end());
  const bool mine = self->called.wait_until(lock, deadline, [&] { return self->has_turn; });
  waiting_.erase(self);
  return mine ? Turn(shared_from_this()) : Turn();
}

std::size_t WriterGate::waiting() const {
  const std::lock_guard lock(mutex_);
  return waiting_.size();
}

/// Hands the turn to the first waiter instead of freeing it: a newcomer cannot overtake.
void WriterGate::leave() noexcept {
  const std::lock_guard lock(mutex_);
  taken_ = !waiting_.empty();
  if (!taken_) return;
  waiting_.front().has_turn = true;
  waiting_.front().called.notify_one();
}

}  // namespace kinbox::sqlite
