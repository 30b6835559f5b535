#include "kinbox/sqlite/database.hpp"

#include <algorithm>
#include <filesystem>

#include "kinbox/errors.hpp"
#include "sqlite/connection.hpp"
#include "sqlite/safety.hpp"
#include "sqlite/transaction.hpp"
#include "sqlite/writer_gate.hpp"

namespace kinbox::sqlite {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

bool is_memory(const Options& options) { return options.path == ":memory:"; }

std::shared_ptr<WriterGate> gate_for(const Options& options) {
  if (is_memory(options)) return std::make_shared<WriterGate>();
  return WriterGate::of(std::filesystem::weakly_canonical(options.path).string());
}

milliseconds remaining(steady_clock::time_point deadline) {
  return std::chrono::duration_cast<milliseconds>(
      std::max(deadline - steady_clock::now(), steady_clock::duration::zero()));
}

class SqliteDatabase final : public Database {
 public:
  explicit SqliteDatabase(Options options)
      : options_(std::move(options)), gate_(gate_for(options_)) {}

  const Dialect& dialect() const override { return dialect_; }
  std::unique_ptr<OpenTransaction> begin() override;
  void refuse_unsafe() override;
  std::string session() const override { return {}; }
  GivenBack give_back(std::size_t pages) override;
  void run_script(OpenTransaction& transaction, const std::string& script) override;

 private:
  WriterGate::Turn enter_gate(steady_clock::time_point deadline);
  void connect();
  std::shared_ptr<Connection> reconnect() const;

  Options options_;
  Dialect dialect_{Backend::kSqlite, "main"};
  std::shared_ptr<WriterGate> gate_;
  std::shared_ptr<Connection> connection_;
};

std::unique_ptr<OpenTransaction> SqliteDatabase::begin() {
  if (connection_ && connection_->in_transaction())
    throw ConfigurationError("a transaction of this Database is still open: one at a time");
  const auto deadline = steady_clock::now() + options_.lock_timeout;
  auto turn = enter_gate(deadline);
  connect();
  connection_->begin_immediate(remaining(deadline));
  return std::make_unique<SqliteTransaction>(connection_, std::move(turn), dialect_);
}

WriterGate::Turn SqliteDatabase::enter_gate(steady_clock::time_point deadline) {
  auto turn = gate_->enter(deadline);
  if (turn) return turn;
  throw InfrastructureError("SQLite file " + options_.path +
                            ": the writer's turn did not come within " +
                            std::to_string(options_.lock_timeout.count()) +
                            " ms; other connections of this process hold it");
}

/// Under the turn: two connections that switch a new file to WAL at once would disturb each other.
void SqliteDatabase::connect() {
  if (!connection_) {
    connection_ = std::make_shared<Connection>(options_);
  } else if (connection_->is_broken()) {
    connection_ = reconnect();
  }
}

/// The file was good before. Whatever is wrong with it now may pass, and is no reason to end; and a
/// file that is gone must not come back empty.
std::shared_ptr<Connection> SqliteDatabase::reconnect() const {
  auto options = options_;
  options.create = false;
  try {
    return std::make_shared<Connection>(options);
  } catch (const RefusedError& error) {
    throw InfrastructureError(error.what());
  }
}

void SqliteDatabase::refuse_unsafe() {
  refuse_network_file_system(options_.path, file_system_of(options_.path));
  const auto transaction = begin();
  connection_->refuse_changed_settings();
  refuse_changed_schema(*connection_);
}

Database::GivenBack SqliteDatabase::give_back(std::size_t pages) {
  const auto transaction = begin();
  const auto free = connection_->free_pages();
  if (free.count == 0) return GivenBack::kAll;
  if (!free.can_go) return GivenBack::kCannot;
  connection_->vacuum(pages);
  transaction->commit();
  return free.count > static_cast<std::int64_t>(pages) ? GivenBack::kSome : GivenBack::kAll;
}

void SqliteDatabase::run_script(OpenTransaction& transaction, const std::string& script) {
  auto* ours = dynamic_cast<SqliteTransaction*>(&transaction);
  if (ours == nullptr)
    throw ConfigurationError("run_script() of SQLite with a transaction that is not SQLite's");
  ours->run_script(script);
}

}  // namespace

std::unique_ptr<Database> open(Options options) {
  if (options.path.empty()) throw ConfigurationError("the SQLite file has no path");
  if (options.path.starts_with("file:"))
    throw ConfigurationError("SQLite path \"" + options.path +
                             "\": write a plain path; URIs could ask for a shared cache or drop "
                             "locks");
  if (!is_memory(options)) options.path = std::filesystem::absolute(options.path).string();
  return std::make_unique<SqliteDatabase>(std::move(options));
}

DatabaseFactory factory(Options options) {
  return [options = std::move(options)] { return open(options); };
}

}  // namespace kinbox::sqlite
