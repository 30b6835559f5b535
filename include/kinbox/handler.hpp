#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "kinbox/dialect.hpp"
#include "kinbox/event.hpp"
#include "kinbox/migration.hpp"
#include "kinbox/outbox.hpp"
#include "kinbox/replay_range.hpp"
#include "kinbox/transaction.hpp"

namespace kinbox {

/// What an engineer writes: the business effect of one event.
///
/// `handle` runs at least once per event and takes effect once: everything it writes through `tx`
/// commits together with the event's inbox row. What it does elsewhere (HTTP, files, another
/// database) may happen several times.
///
/// To fail, throw: PermanentError and BusinessRejection go to the dead letters at once, everything
/// else (also what is no std::exception) is tried again first.
///
/// One instance per worker, called by one thread.
class Handler {
 public:
  virtual ~Handler() = default;
  virtual void handle(const Event& event, Transaction& tx) = 0;

  /// Undoes what `handle` did for the events of `range`, as far as handling them again does not
  /// overwrite it. For handlers that are `reprocessable`; called once before the first of them, in
  /// a transaction of its own that commits as a whole or not at all. A trial, which keeps nothing,
  /// calls it at the beginning of each of its transactions. What it throws stops the replay.
  virtual void prepare_reprocess(const ReplayRange& range, Transaction& tx);
};

/// What a handler factory is given: which database it will talk to, and its own settings.
struct HandlerContext {
  Dialect dialect;
  /// The `settings:` of the handler in the configuration, nested names joined by a dot
  /// (`recipient.pointer`). Only names that the spec lists arrive here.
  std::map<std::string, std::string> settings = {};
  /// For handlers that emit events: `Outbox(context.dialect, context.outbox)`.
  OutboxOptions outbox = {};
};

inline void Handler::prepare_reprocess(const ReplayRange&, Transaction&) {}

using HandlerFactory = std::function<std::unique_ptr<Handler>(const HandlerContext&)>;

/// What kinbox may assume about a handler.
struct HandlerTraits {
  /// Running it again for the events of a range, in their order, leaves the right state, after
  /// `prepare_reprocess` (needed by `replay plan --mode reprocess`).
  bool reprocessable = false;
  /// Its effects commute: old events may run beside new ones (`replay apply --beside-live`).
  bool order_independent = false;
  /// Longest time one `handle` may take; none if absent.
  std::optional<std::chrono::milliseconds> timeout = std::nullopt;
};

/// A handler as it is listed: a name, what it takes, how to make one.
struct HandlerSpec {
  std::string name;
  /// Event types it takes. "*" takes what no other handler of the consumer takes.
  std::vector<std::string> event_types;
  HandlerFactory make;
  HandlerTraits traits = {};
  /// Names its settings may have; others are configuration errors.
  std::vector<std::string> setting_names = {};
  /// Its own tables, a schema component of their own named like the handler.
  std::vector<Migration> migrations = {};
};

}  // namespace kinbox
