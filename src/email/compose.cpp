#include <array>
#include <cstdio>

#include "core/sha1.hpp"
#include "email/body.hpp"
#include "email/header.hpp"
#include "kinbox/email/letter.hpp"

namespace kinbox::email {
namespace {

/// RFC 5322, 3.3, in UTC.
std::string date_header(std::chrono::system_clock::time_point date) {
  using namespace std::chrono;
  constexpr std::array kDays = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  constexpr std::array kMonths = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                  "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  const auto midnight = floor<days>(date);
  const year_month_day day{midnight};
  const hh_mm_ss clock{floor<seconds>(date - midnight)};
  char text[80];
  std::snprintf(text, sizeof text, "Date: %s, %u %s %d %02d:%02d:%02d +0000\r\n",
                kDays[weekday{midnight}.c_encoding()], unsigned{day.day()},
                kMonths[unsigned{day.month()} - 1], int{day.year()},
                static_cast<int>(clock.hours().count()), static_cast<int>(clock.minutes().count()),
                static_cast<int>(clock.seconds().count()));
  return text;
}

/// "=_" is in no line of quoted-printable and of base64, so no part can end early.
std::string boundary(std::string_view message_id) {
  constexpr std::string_view kHex = "0123456789abcdef";
  std::string text("=_");
  for (const auto byte : sha1(message_id)) text += {kHex[byte >> 4], kHex[byte & 15]};
  return text;
}

std::string alternatives(const Letter& letter) {
  // The line end before a border is the border's, not the part's (RFC 2046, 5.1.1).
  const auto border = "\r\n--" + boundary(letter.message_id);
  std::string text("Content-Type: multipart/alternative;\r\n boundary=\"");
  text.append(boundary(letter.message_id)).append("\"\r\n").append(border).append("\r\n");
  text += text_part("text/plain", "text", letter.text);
  text.append(border).append("\r\n");
  text += text_part("text/html", "html", *letter.html);
  return text.append(border).append("--\r\n");
}

}  // namespace

std::string compose(const Letter& letter) {
  auto text = mailbox_header("From", "from", letter.from);
  text += mailbox_header("To", "to", letter.to);
  if (letter.reply_to) text += mailbox_header("Reply-To", "reply_to", *letter.reply_to);
  text += text_header("Subject", "subject", letter.subject);
  text += date_header(letter.date);
  text += message_id_header(letter.message_id);
  // Nobody's holiday notice should answer it (RFC 3834).
  text += "Auto-Submitted: auto-generated\r\nMIME-Version: 1.0\r\n";
  return text + (letter.html ? alternatives(letter) : text_part("text/plain", "text", letter.text));
}

}  // namespace kinbox::email
