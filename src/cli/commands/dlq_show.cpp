#include "cli/commands/dlq_commands.hpp"
#include "cli/commands/row_commands.hpp"
#include "cli/dlq/event_page.hpp"
#include "cli/dlq/letter_view.hpp"
#include "cli/dlq/stored_record.hpp"

namespace kinbox::cli {
namespace {

EventPage page_of(const LetterDetail& detail) {
  const auto row = detail.letter[0];
  const bool edited = row.get<bool>("edited");
  EventPage page{
      .facts = facts_of(
          detail.letter,
          {"id",         "state",      "consumer",   "group",      "reason",          "handler",
           "error_type", "error_code", "error_text", "attempts",   "first_failed_at", "failed_at",
           "dead_at",    "redrives",   "due_at",     "changed_at", "retry_as",        "purged_at",
           "seen_again", "topic",      "topic_id",   "partition",  "offset",          "key",
           "event_id",   "type"}),
      .record = stored_record(row),
      .history = detail.history};
  page.facts.emplace_back("imported", row.get<bool>("imported") ? "true" : "false");
  page.facts.emplace_back("edited", edited ? "true" : "false");
  if (edited) page.original_value = bytes_of(row, "original_value");
  return page;
}

ExitCode show(const Invocation& invocation, std::int64_t id) {
  Opened<LetterView> letters(invocation.load());
  const auto detail = letters.view.show(id);
  if (detail.letter.empty()) {
    invocation.io.err << "kinbox: there is no dead letter " << id << "; see kinbox dlq list\n";
    return ExitCode::kFailed;
  }
  answer_event(invocation, page_of(detail));
  return ExitCode::kOk;
}

}  // namespace

void add_dlq_show(CLI::App& dlq, Invocation& invocation) {
  add_row_show(dlq, invocation, "Everything about one letter: error, record, history",
               "The letter's id", show);
}

}  // namespace kinbox::cli
