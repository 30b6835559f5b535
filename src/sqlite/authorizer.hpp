#pragma once

#include <string>

struct sqlite3;

namespace kinbox::sqlite {

/// Denies statements that would end the transaction or reach beyond it: BEGIN, COMMIT, ROLLBACK,
/// ATTACH, DETACH, PRAGMA - also those that come through native(). SAVEPOINT, RELEASE and ROLLBACK
/// TO are let through: inside BEGIN they commit nothing.
///
/// kinbox's own statements run under a Permit.
class Authorizer {
 public:
  /// Watches `db` from now on; must live as long as `db` is used.
  void install(sqlite3* db);

  /// What was denied since the last call, for people ("ATTACH"); empty if nothing was.
  std::string take_denied();

  /// While it lives, everything is allowed.
  class Permit {
   public:
    explicit Permit(Authorizer& authorizer) : authorizer_(authorizer) {
      authorizer_.permitted_ = true;
    }
    Permit(const Permit&) = delete;
    Permit& operator=(const Permit&) = delete;
    ~Permit() { authorizer_.permitted_ = false; }

   private:
    Authorizer& authorizer_;
  };

 private:
  static int decide(void* self, int action, const char* first, const char*, const char*,
                    const char*);

  bool permitted_ = false;
  std::string denied_;
};

}  // namespace kinbox::sqlite
