// What docs/dead-letters.md shows is what the commands say.
#include <gmock/gmock.h>

#include "core/error_group.hpp"
#include "package/code_block.hpp"
#include "support/desk_cli.hpp"
#include "support/letters.hpp"

namespace kinbox::testing {
namespace {

class DeadLettersPage : public DeskCli {
 protected:
  /// A night: one cause that three orders met, a record that is no JSON, a key that waits.
  void SetUp() override {
    DeskCli::SetUp();
    letter("e-1041", 1041, "02:11:07", "open", closed("4711"), "customer-17");
    letter("e-1044", 1044, "02:11:09", "open", closed("4712"), "customer-9");
    letter("e-1050", 1050, "02:40:31", "requested", closed("4711"), "customer-17");
    Failure poison;
    poison.reason = "undecodable";
    poison.error_text = "payload is not JSON";
    letter("", 1061, "03:05:00", "open", poison, "customer-3");
    sql(R"(
INSERT INTO audit (at, who, action, consumer, filter, reason, affected, outcome) VALUES
 ('2026-01-31T03:02:12.000Z', 'zoe@desk-3', 'dlq retry', 'orders', '1050', 'mended in 2.4.1', 1,
  'done');
INSERT INTO dead_letter_history (dead_letter_id, at, what, audit_id) VALUES
 (3, '2026-01-31T03:02:12.000Z', 'requested', 1);
INSERT INTO parked_events (consumer, event_id, event_type, topic, partition, record_offset, key,
  value, headers, fingerprint, reason, handler, error_type, error_text, attempts, parked_at, due_at,
  queue) VALUES
 ('orders', 'e-1058', 'OrderPaid', 'orders.paid', 0, 77, CAST('customer-9' AS BLOB), x'', '[]', x'',
  'retries_exhausted', 'ledger', 'std::runtime_error', 'the bank does not answer', 3,
  '2026-01-31T03:00:00.000Z', '2026-01-31T03:10:00.000Z', 1),
 ('orders', 'e-1060', 'OrderPaid', 'orders.paid', 0, 79, CAST('customer-9' AS BLOB), x'', '[]', x'',
  '', '', '', '', 0, '2026-01-31T03:01:00.000Z', NULL, 1);)");
  }

 private:
  static Failure closed(const std::string& account) {
    Failure failure;
    failure.reason = "handler_rejected";
    failure.handler = "ledger";
    failure.error_type = "kinbox::PermanentError";
    failure.error_code = "account_closed";
    failure.error_text = "account " + account + " is closed";
    failure.attempts = 1;
    return failure;
  }

  void letter(const std::string& event_id, int offset, const std::string& time,
              const std::string& state, const Failure& failure, const std::string& key) {
    const auto quoted = [](const std::string& text) { return '\'' + text + '\''; };
    const auto value = event_id.empty() ? std::string("{broken")
                                        : "{\"eventId\":\"" + event_id + "\",\"total\":129.90}";
    sql("INSERT INTO letters (consumer, event_id, event_type, topic, partition, "
        "record_offset, record_timestamp_ms, key, value, headers, fingerprint, reason, handler, "
        "error_type, error_code, error_text, error_group, attempts, first_failed_at, "
        "dead_at, failed_at) VALUES ('orders', NULLIF(" +
        quoted(event_id) + ", ''), 'OrderCreated', 'orders.created', 0, " + std::to_string(offset) +
        ", 1769825467000, CAST(" + quoted(key) + " AS BLOB), CAST(" + quoted(value) +
        " AS BLOB), '[[\"traceparent\",\"MDAtYTFiMg==\"]]', x'', " + quoted(failure.reason) + ", " +
        quoted(failure.handler) + ", " + quoted(failure.error_type) + ", " +
        quoted(failure.error_code) + ", " + quoted(failure.error_text) + ", " +
        quoted(error_group(failure)) + ", " + std::to_string(failure.attempts) + ", '2026-01-31T" +
        time + ".000Z', '2026-01-31T" + time + ".120Z', '2026-01-31T" + time + ".000Z');" +
        letters_are(state, ""));
  }
};

/// What the shell makes of a line without quotes in quotes.
std::vector<std::string> words_of(const std::string& line) {
  std::vector<std::string> words(1);
  bool quoted = false;
  for (const char c : line) {
    if (c == '\'')
      quoted = !quoted;
    else if (c == ' ' && !quoted)
      words.emplace_back();
    else
      words.back() += c;
  }
  return words;
}

TEST_F(DeadLettersPage, ShowsWhatTheCommandsSay) {
  constexpr std::string_view kPrompt = "$ kinbox ";
  int commands = 0;
  for (const auto& block : code_blocks("docs/dead-letters.md")) {
    if (block.language != "console") continue;
    ASSERT_TRUE(block.text.starts_with(kPrompt)) << block.place;
    const auto end = block.text.find('\n');
    const auto result = run(words_of(block.text.substr(kPrompt.size(), end - kPrompt.size())));
    EXPECT_EQ(result.out, block.text.substr(end + 1)) << block.place;
    EXPECT_EQ(result.exit_code, 0) << block.place << ": " << result.err;
    ++commands;
  }
  EXPECT_GT(commands, 5);
}

}  // namespace
}  // namespace kinbox::testing
