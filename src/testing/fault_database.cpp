#include "kinbox/testing/fault_database.hpp"

#include <map>

namespace kinbox::testing {
namespace {

class FaultTransaction : public OpenTransaction {
 public:
  FaultTransaction(std::unique_ptr<OpenTransaction> inner, const FaultPlan& plan)
      : inner_(std::move(inner)), plan_(plan) {}
  ~FaultTransaction() override { rollback(); }

  const Dialect& dialect() const override { return inner_->dialect(); }
  OpenTransaction& inner() { return *inner_; }

 protected:
  void do_execute(StatementNumber number, std::string_view sql,
                  std::span<const SqlParam> params) override {
    strike();
    results_.emplace(number, inner_->execute_with(sql, params));
  }
  Rows do_query(std::string_view sql, std::span<const SqlParam> params) override {
    strike();
    return inner_->query_with(sql, params);
  }
  std::int64_t do_await_affected_rows(StatementNumber number) override {
    return results_.at(number).affected_rows();
  }
  Rows do_query_bulk(const BulkStatement& statement, std::span<const SqlParam> rows,
                     std::size_t columns) override {
    strike();
    return inner_->query_bulk(statement, rows, columns);
  }
  void do_end_event() override { inner_->set_origin(Origin::kFramework); }
  void do_limit_waits() override { inner_->limit_waits(clock()); }
  void do_send_one_by_one() override { inner_->send_one_by_one(); }
  void do_give_way_after(std::chrono::milliseconds patience) override {
    inner_->give_way_after(patience);
  }
  void do_flush() override { inner_->flush(); }
  void do_commit(const std::function<void()>& on_sent) override {
    plan_(FaultPoint::kBeforeCommit);
    inner_->commit(on_sent);
    plan_(FaultPoint::kAfterCommit);
  }
  void do_rollback() noexcept override { inner_->rollback(); }

 private:
  void strike() {
    inner_->set_origin(origin());
    plan_(FaultPoint::kStatement);
  }

  std::unique_ptr<OpenTransaction> inner_;
  const FaultPlan& plan_;
  std::map<StatementNumber, Executed> results_;
};

class FaultDatabase : public Database {
 public:
  FaultDatabase(std::unique_ptr<Database> inner, FaultPlan plan)
      : inner_(std::move(inner)), plan_(std::move(plan)) {}

  const Dialect& dialect() const override { return inner_->dialect(); }
  std::unique_ptr<OpenTransaction> begin() override {
    plan_(FaultPoint::kBegin);
    return std::make_unique<FaultTransaction>(inner_->begin(), plan_);
  }
  void refuse_unsafe() override { inner_->refuse_unsafe(); }
  std::string session() const override { return inner_->session(); }
  bool wait_for_outbox(int interrupt, std::chrono::milliseconds timeout) override {
    return inner_->wait_for_outbox(interrupt, timeout);
  }
  GivenBack give_back(std::size_t pages) override { return inner_->give_back(pages); }
  void run_script(OpenTransaction& transaction, const std::string& script) override {
    inner_->run_script(static_cast<FaultTransaction&>(transaction).inner(), script);
  }

 private:
  std::unique_ptr<Database> inner_;
  FaultPlan plan_;
};

}  // namespace

std::unique_ptr<Database> with_faults(std::unique_ptr<Database> inner, FaultPlan plan) {
  return std::make_unique<FaultDatabase>(std::move(inner), std::move(plan));
}

}  // namespace kinbox::testing
