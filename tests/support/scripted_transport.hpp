#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "kinbox/email/sender.hpp"

namespace kinbox::testing {

/// A mail server that does what a test says: it accepts everything unless told otherwise.
class ScriptedPost {
 public:
  using MaySend = std::function<bool()>;
  using Script = std::function<email::Delivery(const email::Parcel&, const MaySend&)>;

  /// What every delivery does from now on; it may call `take` and `accept`.
  void script(Script script) { script_ = std::move(script); }

  /// The content goes, if it may.
  bool take(const email::Parcel& parcel, const MaySend& may_send) {
    if (!may_send()) return false;
    const std::lock_guard lock(mutex_);
    contents_.push_back(parcel);
    return true;
  }

  email::Delivery accept(const email::Parcel& parcel, const MaySend& may_send) {
    if (!take(parcel, may_send)) return {email::Outcome::kGivenUp, "given up"};
    return {email::Outcome::kAccepted, "250 2.0.0 queued"};
  }

  /// What was handed over, and how often under each Message-ID.
  std::vector<email::Parcel> contents() const {
    const std::lock_guard lock(mutex_);
    return contents_;
  }
  std::map<std::string, int> copies() const {
    std::map<std::string, int> found;
    for (const auto& parcel : contents()) ++found[parcel.id];
    return found;
  }

  /// Transports to it; valid while it lives.
  email::TransportFactory transports() {
    return [this] { return std::make_unique<Way>(*this); };
  }

 private:
  class Way : public email::Transport {
   public:
    explicit Way(ScriptedPost& post) : post_(post) {}
    email::Delivery deliver(const email::Parcel& parcel, const MaySend& may_send) override {
      return post_.script_ ? post_.script_(parcel, may_send) : post_.accept(parcel, may_send);
    }

   private:
    ScriptedPost& post_;
  };

  Script script_;
  mutable std::mutex mutex_;
  std::vector<email::Parcel> contents_;
};

}  // namespace kinbox::testing
