#include "core/transaction_control.hpp"

#include <algorithm>
#include <array>
#include <string>

#include "kinbox/errors.hpp"

namespace kinbox {
namespace {

constexpr std::string_view kSpace = " \t\r\n\f\v;";

/// PostgreSQL nests block comments, so they are counted.
std::string_view skip_block_comment(std::string_view sql) {
  std::size_t depth = 1;
  std::size_t at = 2;
  while (at < sql.size() && depth > 0) {
    const auto pair = sql.substr(at, 2);
    if (pair == "/*") ++depth;
    if (pair == "*/") --depth;
    at += (pair == "/*" || pair == "*/") ? 2 : 1;
  }
  return sql.substr(std::min(at, sql.size()));
}

std::string_view skip_blank(std::string_view sql) {
  for (;;) {
    const auto start = sql.find_first_not_of(kSpace);
    if (start == std::string_view::npos) return {};
    sql.remove_prefix(start);
    if (sql.starts_with("--")) {
      const auto end = sql.find('\n');
      sql = end == std::string_view::npos ? std::string_view{} : sql.substr(end);
    } else if (sql.starts_with("/*")) {
      sql = skip_block_comment(sql);
    } else {
      return sql;
    }
  }
}

/// Takes the next keyword off `sql`, in upper case.
std::string take_word(std::string_view& sql) {
  sql = skip_blank(sql);
  std::string word;
  while (!sql.empty() && ((sql.front() >= 'a' && sql.front() <= 'z') ||
                          (sql.front() >= 'A' && sql.front() <= 'Z') || sql.front() == '_')) {
    word += static_cast<char>(sql.front() & ~0x20);
    sql.remove_prefix(1);
  }
  return word;
}

bool controls_transaction(std::string_view sql) {
  constexpr std::array<std::string_view, 5> kAlways{"BEGIN", "START", "COMMIT", "END", "ABORT"};
  const auto first = take_word(sql);
  if (std::find(kAlways.begin(), kAlways.end(), first) != kAlways.end()) return true;
  if (first != "PREPARE" && first != "ROLLBACK") return false;
  const auto second = take_word(sql);
  if (first == "PREPARE") return second == "TRANSACTION";
  // ROLLBACK [WORK | TRANSACTION] TO ... stays inside the transaction.
  if (second == "TO") return false;
  return !((second == "WORK" || second == "TRANSACTION") && take_word(sql) == "TO");
}

}  // namespace

void refuse_transaction_control(std::string_view sql) {
  if (!controls_transaction(sql)) return;
  throw TransactionMisuse("refused: \"" + std::string(sql.substr(0, 40)) +
                          "\" would end or nest the batch's transaction; kinbox alone commits. "
                          "To fail the event, throw");
}

}  // namespace kinbox
