#include <filesystem>

#include "kinbox/sqlite/database.hpp"
#include "sqlite/writer_gate.hpp"
#include "support/temporary_directory.hpp"
#include "support/test_database.hpp"

namespace kinbox::testing {
namespace {

class SqliteTestDatabase final : public TestDatabase {
 public:
  std::unique_ptr<Database> connect(std::chrono::milliseconds lock_timeout) override {
    return sqlite::open({.path = place(), .lock_timeout = lock_timeout});
  }
  std::string place() const override { return (directory_ / "kinbox.db").string(); }

  std::size_t waiting() override {
    return sqlite::WriterGate::of(std::filesystem::weakly_canonical(place()).string())->waiting();
  }

 private:
  TemporaryDirectory directory_;
};

}  // namespace

TestDatabaseKind sqlite_kind() {
  return {.name = "Sqlite",
          .missing = [] { return std::string(); },
          .make = [] { return std::make_unique<SqliteTestDatabase>(); }};
}

}  // namespace kinbox::testing
