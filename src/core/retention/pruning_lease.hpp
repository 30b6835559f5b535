#pragma once

#include <chrono>
#include <string>

#include "kinbox/transaction.hpp"

namespace kinbox {

/// Which of several processes prunes now: one row of `prunings` for each scope (a consumer, or ''
/// for what belongs to none). Two at once would only do the same work twice.
class PruningLease {
 public:
  /// `token` names this process.
  PruningLease(std::string scope, std::string token, const Dialect& dialect);

  /// Ours for `duration`, unless somebody has it, or began less than `every` ago.
  bool acquire(OpenTransaction& tx, std::chrono::milliseconds every,
               std::chrono::milliseconds duration) const;
  /// For another `duration`, if it is still ours.
  void renew(OpenTransaction& tx, std::chrono::milliseconds duration) const;
  void release(OpenTransaction& tx) const;

 private:
  std::string scope_;
  std::string token_;
  std::string create_;
  std::string acquire_;
  std::string renew_;
  std::string release_;
};

}  // namespace kinbox
