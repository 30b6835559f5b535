// What a letter looks like on its way: RFC 5322, RFC 2045, RFC 2047.
#include <gmock/gmock.h>

#include <sstream>

#include "core/base64.hpp"
#include "kinbox/email/letter.hpp"

namespace kinbox::email {
namespace {

using ::testing::AllOf;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

using namespace std::chrono_literals;

Letter letter() {
  return {
      .from = {"The Shop", "shop@example.com"},
      .to = {"", "zoe@example.org"},
      .subject = "Your order o-1",
      .text = "Thank you.\n",
      .message_id = "<order_confirmation.o-1.1@mail.example.com>",
      .date = std::chrono::sys_days{std::chrono::year{2026} / 1 / 31} + 12h + 5min + 9s + 999ms};
}

std::string code_of(const Letter& bad) {
  try {
    compose(bad);
  } catch (const LetterError& error) {
    return error.code();
  }
  return "composed";
}

std::string text_of_error(const Letter& bad) {
  try {
    compose(bad);
  } catch (const LetterError& error) {
    return error.what();
  }
  return "composed";
}

/// What a reader makes of a header: unfolded, encoded words decoded and joined.
std::string read_header(const std::string& message, const std::string& name) {
  const auto start = message.find("\r\n" + name + ": ");
  if (start == std::string::npos) return "no " + name;
  std::string value;
  std::size_t at = start + name.size() + 4;
  for (; message.compare(at, 2, "\r\n") != 0 || message[at + 2] == ' '; ++at)
    if (message[at] != '\r' && message[at] != '\n') value += message[at];
  std::string read;
  constexpr std::string_view kStart = "=?UTF-8?B?";
  for (at = 0; at < value.size();) {
    if (value.compare(at, kStart.size(), kStart) != 0) {
      read += value[at++];
      continue;
    }
    const auto end = value.find("?=", at + kStart.size());
    read += base64_decode(value.substr(at + kStart.size(), end - at - kStart.size()));
    at = end + 2;
    if (value.compare(at, kStart.size() + 1, " =?UTF-8?B?") == 0) ++at;
  }
  return read;
}

std::string body_of(const std::string& message) {
  return message.substr(message.find("\r\n\r\n") + 4);
}

/// Undoes quoted-printable.
std::string unquote(const std::string& text) {
  std::string result;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '=') {
      result += text[i];
    } else {
      if (text.compare(i, 3, "=\r\n") != 0)
        result += static_cast<char>(std::stoi(text.substr(i + 1, 2), nullptr, 16));
      i += 2;
    }
  }
  return result;
}

void expect_lines_of_ascii(const std::string& message) {
  ASSERT_THAT(message, EndsWith("\r\n"));
  std::istringstream lines(message);
  for (std::string line; std::getline(lines, line);) {
    ASSERT_THAT(line, EndsWith("\r"));
    line.pop_back();
    EXPECT_LE(line.size(), 76u) << line;
    // Servers may take it off.
    EXPECT_FALSE(line.ends_with(' ') || line.ends_with('\t')) << line;
    for (const char c : line) EXPECT_TRUE(c == '\t' || (c >= ' ' && c < '\x7F')) << line;
  }
}

TEST(Compose, IsAMailAsItStands) {
  EXPECT_EQ(compose(letter()),
            "From: The Shop <shop@example.com>\r\n"
            "To: zoe@example.org\r\n"
            "Subject: Your order o-1\r\n"
            "Date: Sat, 31 Jan 2026 12:05:09 +0000\r\n"
            "Message-ID: <order_confirmation.o-1.1@mail.example.com>\r\n"
            "Auto-Submitted: auto-generated\r\n"
            "MIME-Version: 1.0\r\n"
            "Content-Type: text/plain; charset=utf-8\r\n"
            "Content-Transfer-Encoding: quoted-printable\r\n"
            "\r\n"
            "Thank you.\r\n");
}

TEST(Compose, AlternativesHaveTextFirst) {
  auto both = letter();
  both.html = "<p>Thank you.</p>\n";
  const auto message = compose(both);
  EXPECT_THAT(message, HasSubstr("Content-Type: multipart/alternative;\r\n boundary=\"=_"));
  EXPECT_LT(message.find("text/plain"), message.find("text/html"));
  EXPECT_THAT(message, HasSubstr("\r\n\r\n<p>Thank you.</p>\r\n\r\n--=_"));
  EXPECT_THAT(message, EndsWith("--\r\n"));
  expect_lines_of_ascii(message);
}

TEST(Compose, NoTextCanEndAPart) {
  auto both = letter();
  both.html = "<p></p>";
  const auto message = compose(both);
  const auto start = message.find("boundary=\"") + 10;
  const auto border = message.substr(start, message.find('"', start) - start);
  both.text = "--" + border + "\n--" + border + "--\n";
  both.html = both.text;
  const auto forged = compose(both);
  std::size_t count = 0;
  for (auto at = forged.find("\r\n--" + border); at != forged.npos;
       at = forged.find("\r\n--" + border, at + 1))
    ++count;
  EXPECT_EQ(count, 3u);
}

TEST(Compose, TheSameLetterIsTheSameBytes) {
  auto both = letter();
  both.html = "<p>Thank you.</p>";
  auto later = both;
  later.date += 24h;
  const auto first = compose(both);
  auto second = compose(later);
  EXPECT_EQ(compose(both), first);
  ASSERT_NE(second, first);
  second.replace(second.find("Sun, 1 Feb"), 10, "Sat, 31 Jan");
  EXPECT_EQ(second, first);
}

TEST(Compose, ReplyToIsThereWhenItIsAskedFor) {
  auto with = letter();
  with.reply_to = Mailbox{"Help", "help@example.com"};
  EXPECT_EQ(read_header(compose(with), "Reply-To"), "Help <help@example.com>");
  EXPECT_THAT(compose(letter()), Not(HasSubstr("Reply-To")));
}

TEST(Compose, SubjectsSurvive) {
  const std::string long_word(200, 'x');
  const std::string snowmen = [] {
    std::string text;
    for (int i = 0; i < 100; ++i) text += "\xE2\x98\x83";
    return text;
  }();
  const std::string words = [] {
    std::string text("word");
    for (int i = 0; i < 40; ++i) text += " word";
    return text;
  }();
  for (const std::string& subject :
       {std::string("plain"), words, long_word, snowmen, std::string("Größe \"42\" für Zoë"),
        std::string("two  spaces"), std::string(" first and last "),
        std::string("=?UTF-8?B?not this?="), std::string("1 + 1 = 2?"),
        std::string("\xF0\x9F\x93\xA6 on its way"), words + " \xC3\xA4"}) {
    auto with = letter();
    with.subject = subject;
    const auto message = compose(with);
    EXPECT_EQ(read_header(message, "Subject"), subject);
    expect_lines_of_ascii(message);
  }
}

TEST(Compose, ASubjectMayBeEmpty) {
  auto with = letter();
  with.subject = "";
  EXPECT_THAT(compose(with), HasSubstr("\r\nSubject:\r\nDate:"));
}

TEST(Compose, NamesSurvive) {
  const std::string many =
      "One Two Three Four Five Six Seven Eight Nine Ten Eleven Twelve Thirteen";
  for (const auto& [name, read] : std::vector<std::pair<std::string, std::string>>{
           {"Zoe", "Zoe"},
           {"Zo\xC3\xAB", "Zo\xC3\xAB"},
           {many, many},
           {"Shop, Ltd.", "\"Shop, Ltd.\""},
           {"The \"Shop\" \\ Co", "\"The \\\"Shop\\\" \\\\ Co\""},
           {"<evil@example.com>", "\"<evil@example.com>\""},
           {"a  b", "a  b"},
           {many + ", Ltd.", many + ", Ltd."}}) {
    auto with = letter();
    with.to.name = name;
    const auto message = compose(with);
    EXPECT_EQ(read_header(message, "To"), read + " <zoe@example.org>");
    expect_lines_of_ascii(message);
  }
}

TEST(Compose, BodiesSurvive) {
  const std::string long_line(2000, 'a');
  const std::string cyrillic = [] {
    std::string text;
    for (int i = 0; i < 300; ++i) text += "\xD0\x96";
    return text + '\n';
  }();
  for (const std::string& text :
       {std::string("a\nb\n"), std::string("no end"), std::string("crlf\r\nstays\r\n"),
        std::string("trailing \nblanks\t\n"), std::string(".\n..\n. dot\n"), long_line,
        std::string(75, 'b') + " \n", std::string(76, 'c') + "\n", std::string(77, 'd') + "\n",
        std::string("1 = 1, caf\xC3\xA9 for a few, and some more text\n"), std::string(),
        std::string("bell\x07 and a lone \r here, and enough text to stay quoted\n"), cyrillic}) {
    auto with = letter();
    with.text = text;
    const auto message = compose(with);
    expect_lines_of_ascii(message);
    std::string read = body_of(message);
    if (message.find("Encoding: base64") != message.npos) {
      std::erase_if(read, [](char c) { return c == '\r' || c == '\n'; });
      read = base64_decode(read);
    } else {
      read = unquote(read);
    }
    std::string expected;
    for (std::size_t i = 0; i < text.size(); ++i) {
      if (text[i] == '\n' && (i == 0 || text[i - 1] != '\r')) expected += '\r';
      expected += text[i];
    }
    if (!expected.ends_with("\r\n")) expected += "\r\n";
    EXPECT_EQ(read, expected);
  }
}

TEST(Compose, MostlyForeignTextIsBase64) {
  auto with = letter();
  with.text = "\xD0\x96\xD0\x96\xD0\x96\n";
  EXPECT_THAT(compose(with), HasSubstr("Content-Transfer-Encoding: base64"));
}

TEST(Compose, HeaderInjectionIsRefusedNotRepaired) {
  for (const std::string& evil :
       {std::string("a\r\nBcc: all@example.com"), std::string("a\nb"), std::string("a\rb"),
        std::string("a\0b", 3), std::string("tab\there"), std::string("\x7F"),
        std::string("next line \xC2\x85")}) {
    auto bad = letter();
    bad.subject = evil;
    EXPECT_EQ(code_of(bad), "header_injection") << evil;
    bad = letter();
    bad.from.name = evil;
    EXPECT_EQ(code_of(bad), "header_injection") << evil;
    bad = letter();
    bad.to.name = evil;
    EXPECT_EQ(code_of(bad), "header_injection") << evil;
    bad = letter();
    bad.to.address = evil + "@example.com";
    EXPECT_EQ(code_of(bad), "header_injection") << evil;
    bad = letter();
    bad.reply_to = Mailbox{"", "a@example.com" + evil};
    EXPECT_EQ(code_of(bad), "header_injection") << evil;
    bad = letter();
    bad.message_id = "<a@b" + evil + ">";
    EXPECT_EQ(code_of(bad), "header_injection") << evil;
  }
}

TEST(Compose, ErrorsNameTheFieldAndNotWhatStandsInIt) {
  auto bad = letter();
  bad.subject = "secret\r\n";
  EXPECT_THAT(text_of_error(bad), AllOf(StartsWith("e-mail: subject "), Not(HasSubstr("secret"))));
  bad = letter();
  bad.to.address = "secret";
  EXPECT_THAT(text_of_error(bad),
              AllOf(StartsWith("e-mail: to.address "), Not(HasSubstr("secret"))));
}

TEST(Compose, TextsMustBeUtf8) {
  auto bad = letter();
  bad.subject = "\xFF";
  EXPECT_EQ(code_of(bad), "not_utf8");
  bad = letter();
  bad.text = "\xFF";
  EXPECT_EQ(code_of(bad), "not_utf8");
  bad = letter();
  bad.html = "\xFF";
  EXPECT_EQ(code_of(bad), "not_utf8");
  EXPECT_EQ(text_of_error(bad), "e-mail: html is not UTF-8");
}

TEST(Compose, MessageIdsAreChecked) {
  for (const std::string& id :
       {std::string(), std::string("<>"), std::string("a@b"), std::string("<a@b"),
        std::string("<a>"), std::string("<@b>"), std::string("<a@>"), std::string("<a@b@c>"),
        std::string("<a b@c>"), std::string("<a<@c>"), std::string("<\xC3\xA4@b>"),
        '<' + std::string(985, 'a') + "@b>"}) {
    auto bad = letter();
    bad.message_id = id;
    EXPECT_EQ(code_of(bad), "message_id_unusable") << id;
  }
  auto longest = letter();
  longest.message_id = '<' + std::string(982, 'a') + "@b>";
  EXPECT_EQ(code_of(longest), "composed");
}

TEST(EmailAddress, CanBeUsedOrNot) {
  for (const char* address : {"a@b", "zoe+shop@example.com", "o'neill@example.com", "a.b@x-y.org"})
    EXPECT_TRUE(is_usable_address(address)) << address;
  for (const std::string& address :
       {std::string(), std::string("zoe"), std::string("@b"), std::string("a@"),
        std::string("a@b@c"), std::string("a b@c"), std::string("a@b,c@d"), std::string("<a@b>"),
        std::string("\"a\"@b"), std::string("a(b)@c"), std::string("a@[127.0.0.1]"),
        std::string("a;b@c"), std::string("a:b@c"), std::string("a\\b@c"),
        std::string("zo\xC3\xAB@b"), std::string("a@b\n"), std::string(65, 'a') + "@b",
        "a@" + std::string(256, 'b')})
    EXPECT_FALSE(is_usable_address(address)) << address;
  EXPECT_TRUE(is_usable_address(std::string(64, 'a') + "@" + std::string(255, 'b')));
}

}  // namespace
}  // namespace kinbox::email
