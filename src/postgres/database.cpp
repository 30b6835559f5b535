#include "kinbox/postgres/database.hpp"

#include "kinbox/errors.hpp"
#include "kinbox/postgres/native.hpp"
#include "postgres/connect.hpp"
#include "postgres/error_classes.hpp"
#include "postgres/notification.hpp"
#include "postgres/pooling.hpp"
#include "postgres/transaction.hpp"
#include "postgres/unsafe.hpp"

namespace kinbox::postgres {
namespace {

std::string set_local(const std::string& name, std::chrono::milliseconds value) {
  return "set_config('" + name + "', '" + std::to_string(value.count()) + "', true)";
}

/// One statement: it travels with BEGIN.
std::string session_text(const Options& options) {
  return "SELECT " + set_local("lock_timeout", options.lock_timeout) + ", " +
         set_local("statement_timeout", options.statement_timeout) + ", " +
         set_local("idle_in_transaction_session_timeout",
                   options.idle_in_transaction_session_timeout);
}

class PostgresDatabase final : public Database {
 public:
  explicit PostgresDatabase(const Options& options)
      : options_(options),
        dialect_(Backend::kPostgres, options.schema),
        session_text_(session_text(options)) {}

  const Dialect& dialect() const override { return dialect_; }

  std::unique_ptr<OpenTransaction> begin() override {
    auto transaction = std::make_unique<PostgresTransaction>(idle_connection(), dialect_);
    transaction->begin(session_text_, options_);
    return transaction;
  }

  void refuse_unsafe() override {
    const auto connection = idle_connection();
    refuse_transaction_pooling(*connection, options_);
    postgres::refuse_unsafe(*connection, dialect_);
  }

  std::string session() const override {
    if (!connection_ || connection_->lost()) return {};
    return connection_->backend_pid();
  }

  bool wait_for_outbox(int interrupt, std::chrono::milliseconds timeout) override {
    return wait_for_notification(*idle_connection(), dialect_, interrupt, timeout);
  }

  void run_script(OpenTransaction& transaction, const std::string& script) override {
    dynamic_cast<PostgresTransaction&>(transaction).run_script(script);
  }

 private:
  void reconnect() {
    // The first of several in a row: those after it have not begun a transaction.
    if (end_lost_.empty() && connection_ && connection_->lost())
      end_lost_ = connection_->how_to_end();
    connection_.reset();
    connection_ = std::make_shared<Connection>(options_);
    // The server may not know that its client is gone, and keep a transaction's locks: for ever if
    // it waits for the rest of some statements that travel together.
    if (!end_lost_.empty()) connection_->run(end_lost_);
    end_lost_.clear();
  }

  std::shared_ptr<Connection> idle_connection() {
    if (!connection_ || !connection_->usable()) reconnect();
    if (PQtransactionStatus(connection_->raw()) != PQTRANS_IDLE)
      throw ConfigurationError("a transaction of this Database is still open: one at a time");
    return connection_;
  }

  Options options_;
  Dialect dialect_;
  std::string session_text_;
  std::shared_ptr<Connection> connection_;
  /// Ends the session of the connection that was lost.
  std::string end_lost_;
};

}  // namespace

DatabaseFactory factory(const Options& options) {
  validate(options);
  const Dialect refuses_a_bad_schema(Backend::kPostgres, options.schema);
  return [options] { return std::make_unique<PostgresDatabase>(options); };
}

pqxx::transaction_base& native(Transaction& tx) {
  auto* transaction = dynamic_cast<PostgresTransaction*>(&tx);
  if (transaction == nullptr)
    throw ConfigurationError("postgres::native() was given a transaction of another database");
  return transaction->native();
}

}  // namespace kinbox::postgres
