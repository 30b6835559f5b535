#include "cli/demo/evidence.hpp"

#include <string_view>

#include "cli/demo/look.hpp"

namespace kinbox::cli {
namespace {

constexpr std::string_view kDecided =
    "SELECT coalesce(sum(next_offset - first_offset), 0) FROM {kinbox}.consumer_progress "
    "WHERE consumer = 'confirmations'";
constexpr std::string_view kVerdicts =
    "SELECT coalesce(sum(applied + duplicates + parked + dead + skipped + gaps), 0) "
    "FROM {kinbox}.consumer_progress WHERE consumer = 'confirmations'";
constexpr std::string_view kDuplicates =
    "SELECT coalesce(sum(duplicates), 0) FROM {kinbox}.consumer_progress "
    "WHERE consumer = 'confirmations'";
constexpr std::string_view kOrders = "SELECT count(*) FROM {kinbox}.demo_orders";
constexpr std::string_view kConfirmations = "SELECT count(*) FROM {kinbox}.demo_confirmations";
constexpr std::string_view kDistinct =
    "SELECT count(DISTINCT order_id) FROM {kinbox}.demo_confirmations";
constexpr std::string_view kApplied =
    "SELECT count(*) FROM {kinbox}.processed_events "
    "WHERE verdict = 'applied' AND consumer = 'confirmations'";
constexpr std::string_view kDeadLetters = "SELECT count(*) FROM {kinbox}.dead_letters";
constexpr std::string_view kUndecodable =
    "SELECT count(*) FROM {kinbox}.dead_letters WHERE reason = 'undecodable'";
constexpr std::string_view kExhausted =
    "SELECT count(*) FROM {kinbox}.dead_letters "
    "WHERE reason = 'retries_exhausted' AND attempts = 3";
constexpr std::string_view kPending =
    "SELECT count(*) FROM {kinbox}.outbox WHERE state = 'pending'";
constexpr std::string_view kRelayed =
    "SELECT count(DISTINCT dead_letter_id) FROM {kinbox}.outbox WHERE state = 'sent'";
constexpr std::string_view kParked = "SELECT count(*) FROM {kinbox}.parked_events";
constexpr std::string_view kRequested =
    "SELECT count(*) FROM {kinbox}.dead_letters WHERE state = 'requested'";
constexpr std::string_view kResolved =
    "SELECT count(*) FROM {kinbox}.dead_letters WHERE state = 'resolved'";
constexpr std::string_view kOpen =
    "SELECT count(*) FROM {kinbox}.dead_letters WHERE state = 'open'";
constexpr std::string_view kWaited =
    "SELECT count(*) FROM {kinbox}.demo_confirmations WHERE recipient LIKE 'guest-%'";
// Their ids grow with their numbers.
constexpr std::string_view kOvertaken =
    "SELECT count(*) FROM {kinbox}.demo_confirmations AS a JOIN {kinbox}.demo_confirmations AS b "
    "ON a.recipient = b.recipient AND a.place < b.place AND a.order_id > b.order_id "
    "WHERE a.recipient LIKE 'guest-%'";

}  // namespace

Standing read_standing(Database& database) {
  Look look(database);
  return {look.number(kDecided), look.number(kConfirmations), look.number(kPending),
          look.number(kParked), look.number(kRequested)};
}

std::vector<Invariant> read_invariants(Database& database, const Sent& sent) {
  Look look(database);
  const auto dead = sent.broken + sent.strangers;
  const auto good = sent.orders + sent.guests + sent.strangers;
  return {{"confirmations, one per order", good, look.number(kConfirmations)},
          {"orders with a confirmation", good, look.number(kDistinct)},
          {"rows in the order table", good, look.number(kOrders)},
          {"events applied", good, look.number(kApplied)},
          {"duplicates recognised", sent.duplicates, look.number(kDuplicates)},
          {"dead letters", dead, look.number(kDeadLetters)},
          {"... the broken payload: undecodable", sent.broken, look.number(kUndecodable)},
          {"... the unknown buyer: retries_exhausted", sent.strangers, look.number(kExhausted)},
          {"... brought back by dlq retry", sent.strangers, look.number(kResolved)},
          {"... still open", sent.broken, look.number(kOpen)},
          {"dead letters on their Kafka topic", dead, look.number(kRelayed)},
          {"events that waited for their key, confirmed", sent.guests, look.number(kWaited)},
          {"... of them, out of order", 0, look.number(kOvertaken)},
          {"... still parked", 0, look.number(kParked)},
          {"position law: offsets passed", sent.records(), look.number(kDecided)},
          {"position law: verdicts counted", sent.records(), look.number(kVerdicts)}};
}

Table to_table(const std::vector<Invariant>& invariants) {
  Table table{{{"invariant"}, {"expected"}, {"found"}, {"holds"}}, {}};
  for (const auto& invariant : invariants)
    table.rows.push_back({invariant.what, invariant.expected, invariant.found,
                          std::string(invariant.holds() ? "yes" : "NO")});
  return table;
}

}  // namespace kinbox::cli
