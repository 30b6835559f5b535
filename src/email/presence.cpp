#include "email/presence.hpp"

#include <utility>

#include "core/random_name.hpp"

namespace kinbox::email {
namespace {

constexpr std::chrono::seconds kTellEvery{15};
/// Waits for the database come on top of being busy.
constexpr std::chrono::seconds kSlack{60};

}  // namespace

Presence::Presence(std::string target, std::chrono::milliseconds busy)
    : name_(random_name()), target_(std::move(target)), valid_for_(busy + kSlack) {}

bool Presence::set_trouble(const std::string& trouble) {
  const std::lock_guard lock(mutex_);
  if (trouble_ == trouble) return false;
  trouble_ = trouble;
  tell_at_ = {};
  return true;
}

void Presence::arrive() {
  const std::lock_guard lock(mutex_);
  here_ = true;
  tell_at_ = {};
}

void Presence::tell(OpenTransaction& tx, const EmailRows& rows) {
  std::string trouble;
  {
    const std::lock_guard lock(mutex_);
    if (!here_ || Clock::now() < tell_at_) return;
    tell_at_ = Clock::now() + kTellEvery;
    trouble = trouble_;
  }
  rows.present(tx, name_, target_, trouble, valid_for_);
}

void Presence::leave(OpenTransaction& tx, const EmailRows& rows) {
  {
    const std::lock_guard lock(mutex_);
    here_ = false;
  }
  rows.leave(tx, name_);
}

}  // namespace kinbox::email
