#include "postgres/native_connection.hpp"

#include <libpq-events.h>

#include <algorithm>
#include <array>
#include <pqxx/pqxx>
#include <string_view>

#include "kinbox/errors.hpp"
#include "postgres/error_classes.hpp"

namespace kinbox::postgres {
namespace {

#if PQXX_VERSION_MAJOR >= 7

class Borrowed {
 public:
  explicit Borrowed(PGconn* handle) : connection_(pqxx::connection::seize_raw_connection(handle)) {}
  Borrowed(const Borrowed&) = delete;
  Borrowed& operator=(const Borrowed&) = delete;
  ~Borrowed() { std::move(connection_).release_raw_connection(); }
  pqxx::connection& get() { return connection_; }

 private:
  pqxx::connection connection_;
};

#else

/// Hands libpqxx 6 a connection that is open already, and never lets it close or replace it.
class Lender : public pqxx::connectionpolicy {
 public:
  explicit Lender(PGconn* open) : pqxx::connectionpolicy(std::string{}), handle_(open) {}
  handle do_startconnect(handle) override { return handle_; }
  handle do_completeconnect(handle) override { return handle_; }
  handle do_dropconnect(handle) noexcept override { return nullptr; }
  handle do_disconnect(handle) noexcept override { return nullptr; }

 private:
  PGconn* handle_;
};

/// pqxx::basic_connection_base makes its policy from a string; this one from a handle.
class Borrowed : private Lender, public pqxx::connection_base {
 public:
  explicit Borrowed(PGconn* open)
      : Lender(open), pqxx::connection_base(static_cast<pqxx::connectionpolicy&>(*this)) {
    init();
  }
  ~Borrowed() { close(); }
  pqxx::connection_base& get() { return *this; }
};

#endif

void ignore_notice(void*, const char*) {}

bool ends_or_nests(std::string_view tag) {
  constexpr std::array<std::string_view, 4> kTags{"BEGIN", "START TRANSACTION", "COMMIT",
                                                  "PREPARE TRANSACTION"};
  return std::find(kTags.begin(), kTags.end(), tag) != kTags.end();
}

}  // namespace

struct NativeConnection::Watcher {
  bool on = false;
  std::exception_ptr failure;

  /// libpq calls this for every result made on the connection.
  static int on_event(PGEventId event, void* info, void* self) noexcept {
    if (event != PGEVT_RESULTCREATE) return 1;
    const auto& created = *static_cast<PGEventResultCreate*>(info);
    static_cast<Watcher*>(self)->look_at(*created.conn, *created.result);
    return 1;
  }

  void look_at(const PGconn& connection, PGresult& result) noexcept {
    if (!on || failure) return;
    try {
      if (PQresultStatus(&result) == PGRES_FATAL_ERROR)
        throw_failure(result, OpenTransaction::Origin::kHandler,
                      PQstatus(&connection) != CONNECTION_OK);
      if (ends_or_nests(PQcmdStatus(&result)))
        throw TransactionMisuse(std::string("refused: ") + PQcmdStatus(&result) +
                                " through kinbox::postgres::native(); kinbox alone commits");
    } catch (...) {
      failure = std::current_exception();
    }
  }
};

struct NativeConnection::Shared {
  explicit Shared(PGconn* handle) : borrowed(handle) {}
  Borrowed borrowed;
  std::unique_ptr<pqxx::nontransaction> transaction;
};

NativeConnection::NativeConnection(PGconn* connection)
    : connection_(connection),
      watcher_(std::make_unique<Watcher>()),
      shared_(std::make_unique<Shared>(connection)) {
  // libpqxx has put its own in place, which would outlive it.
  PQsetNoticeProcessor(connection, ignore_notice, nullptr);
  if (PQregisterEventProc(connection, &Watcher::on_event, "kinbox", watcher_.get()) == 0)
    throw std::bad_alloc();
}

NativeConnection::~NativeConnection() { end(); }

pqxx::transaction_base& NativeConnection::transaction() {
  if (!shared_->transaction)
    shared_->transaction = std::make_unique<pqxx::nontransaction>(shared_->borrowed.get());
  return *shared_->transaction;
}

void NativeConnection::end() noexcept {
  shared_->transaction.reset();
  watcher_->failure = nullptr;
  watcher_->on = false;
}

bool NativeConnection::in_use() const noexcept { return shared_->transaction != nullptr; }

void NativeConnection::watch(bool on) noexcept { watcher_->on = on; }

std::exception_ptr NativeConnection::failure() const {
  if (watcher_->failure) return watcher_->failure;
  if (PQstatus(connection_) != CONNECTION_OK)
    return std::make_exception_ptr(InfrastructureError("PostgreSQL: the connection is lost"));
  if (PQtransactionStatus(connection_) != PQTRANS_IDLE) return nullptr;
  return std::make_exception_ptr(
      TransactionMisuse("the transaction was ended through kinbox::postgres::native(); kinbox "
                        "alone commits"));
}

}  // namespace kinbox::postgres
