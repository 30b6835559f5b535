#include "core/error_group.hpp"

#include <gmock/gmock.h>

#include <functional>
#include <random>
#include <set>

#include "core/base64.hpp"
#include "core/uuid.hpp"

namespace kinbox {
namespace {

using ::testing::Each;
using ::testing::MatchesRegex;
using ::testing::SizeIs;

Failure failure(std::string text) {
  return {.reason = "handler_rejected",
          .handler = "order_view",
          .error_type = "kinbox::PermanentError",
          .error_code = "unknown_account",
          .error_text = std::move(text),
          .first_failed_at = {}};
}

std::string group(std::string text) { return error_group(failure(std::move(text))); }

TEST(ErrorGroup, IsSixteenHexDigitsThatStayTheSameFromVersionToVersion) {
  EXPECT_EQ(group("no such account"), "14ab2f0cc37f4c46");
  EXPECT_THAT(error_group({}), MatchesRegex("[0-9a-f]{16}"));
}

TEST(ErrorGroup, HandlerTypeCodeAndTextTellCausesApart) {
  std::set<std::string> groups{group("no such account"), group("no such order")};
  for (std::string Failure::*member :
       {&Failure::handler, &Failure::error_type, &Failure::error_code}) {
    auto other = failure("no such account");
    other.*member += 'x';
    groups.insert(error_group(other));
  }
  EXPECT_THAT(groups, SizeIs(5));
}

TEST(ErrorGroup, NamesDoNotRunIntoEachOther) {
  Failure one;
  one.handler = "ab";
  one.error_type = "c";
  Failure other;
  other.handler = "a";
  other.error_type = "bc";
  EXPECT_NE(error_group(one), error_group(other));
}

TEST(ErrorGroup, ReasonAttemptsAndTimeAreNoCause) {
  auto again = failure("no such account");
  again.reason = "retries_exhausted";
  again.attempts = 17;
  again.first_failed_at = Timestamp{};
  EXPECT_EQ(error_group(again), group("no such account"));
}

TEST(ErrorGroup, IsTheSameForWhatTheDatabaseKeepsOfAFailure) {
  const std::string broken("caf\xE9 \0 said no", 14);
  EXPECT_EQ(group(broken), group("caf\xEF\xBF\xBD \xEF\xBF\xBD said no"));
  auto longer = failure(std::string(9'000, 'x'));
  longer.handler = std::string(600, 'h');
  auto kept = failure(std::string(8'192, 'x'));
  kept.handler = std::string(512, 'h');
  EXPECT_EQ(error_group(longer), error_group(kept));
}

struct Normalised {
  std::string text;
  std::string expected;
};

class NormalisedErrorText : public ::testing::TestWithParam<Normalised> {};

TEST_P(NormalisedErrorText, HasNothingThatVariesFromEventToEvent) {
  EXPECT_EQ(normalised_error_text(GetParam().text), GetParam().expected);
}

INSTANTIATE_TEST_SUITE_P(
    Of, NormalisedErrorText,
    ::testing::Values(
        Normalised{"", ""}, Normalised{"no such account", "no such account"},
        Normalised{"order 17 of 4", "order * of *"},
        Normalised{"balance -129.90 EUR", "balance * EUR"},
        Normalised{"event e-17 (orders/3@4211)", "event e-* (orders/*)"},
        Normalised{"account A7F3K9 is closed", "account * is closed"},
        Normalised{"order 550e8400-e29b-abcd-a716-446655440000 is unknown", "order * is unknown"},
        Normalised{"at 2026-01-31T12:00:00.123Z", "at *"},
        Normalised{"ids 1, 2, 3 are taken", "ids * are taken"},
        Normalised{"ids 1,2 are taken", "ids * are taken"},
        Normalised{"digest deadbeef01 differs", "digest * differs"},
        Normalised{"column \"iban\" is missing", "column * is missing"},
        Normalised{"field 'a b' or `c`", "field * or *"},
        Normalised{"quoted \"with \\\" inside\" text", "quoted * text"},
        Normalised{"can't read the customer's name", "can't read the customer's name"},
        Normalised{"an open \"quotation", "an open \"quotation"},
        Normalised{"Key (sku)=(shoe, red) already exists.", "Key (sku)=(*) already exists."},
        Normalised{"token eyJhbGciOiJIUzIxNiIsInR5cCI6IkpXVCJ9== expired", "token * expired"},
        Normalised{"OrderShippedEventHandlerWithoutDigits failed",
                   "OrderShippedEventHandlerWithoutDigits failed"},
        Normalised{"see /usr/share/templates/order/confirmation.txt",
                   "see /usr/share/templates/order/confirmation.txt"},
        Normalised{"two\n\t lines", "two lines"}, Normalised{"Zürich ist zu", "Zürich ist zu"}));

TEST(ErrorGroup, MessagesOfOneTemplateAreOneGroupWhateverTheirValuesAre) {
  std::mt19937_64 random(6);
  const auto below = [&](std::uint64_t bound) { return random() % bound; };
  const auto text_of = [&](std::string_view alphabet, std::size_t length) {
    std::string text;
    while (text.size() < length) text += alphabet[below(alphabet.size())];
    return text;
  };
  const auto bytes = [&](std::size_t length) {
    std::string text;
    while (text.size() < length) text += static_cast<char>(below(256));
    return text;
  };
  const std::vector<std::function<std::string()>> values{
      [&] { return std::to_string(below(1'000'000)); },
      [&] { return std::to_string(below(1'000)) + '.' + std::to_string(below(100)); },
      [] { return uuid_v4(); },
      [&] { return '0' + text_of("0123456789abcdef", 31); },
      [&] { return '"' + text_of("abc xyz_-.,:;()=/", below(30)) + '"'; },
      [&] { return '\'' + text_of("ABC 123 _-.,:;()=/", below(30)) + '\''; },
      [&] { return '7' + text_of("ABCDEFGHJKMNPQRSTVWXYZ0123456789", 25); },
      [&] { return base64_encode(bytes(30 + below(200))); }};
  for (const auto* form : {"order % is unknown", "(%) is not %", "%", "value=%; limit: %", "[%]"}) {
    std::set<std::string> groups;
    for (int i = 0; i < 400; ++i) {
      std::string message;
      for (const char c : std::string_view(form))
        message += c == '%' ? values[below(values.size())]() : std::string(1, c);
      groups.insert(normalised_error_text(message));
    }
    EXPECT_THAT(groups, SizeIs(1)) << form << ": " << ::testing::PrintToString(groups);
  }
}

TEST(ErrorGroup, TakesAnyBytes) {
  std::mt19937_64 random(7);
  std::vector<std::string> groups;
  for (int i = 0; i < 2'000; ++i) {
    std::string text;
    for (auto length = random() % 64; length > 0; --length)
      text += random() % 2 == 0 ? "\"'`\\=(). "[random() % 9] : static_cast<char>(random() % 256);
    groups.push_back(group(text));
  }
  EXPECT_THAT(groups, Each(MatchesRegex("[0-9a-f]{16}")));
}

}  // namespace
}  // namespace kinbox
