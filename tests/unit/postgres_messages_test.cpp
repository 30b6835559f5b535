#include "support/postgres_messages.hpp"

#include <gtest/gtest.h>

namespace kinbox::testing {
namespace {

using From = PostgresMessages::From;
using namespace std::string_literals;

const std::string kSslRequest = "\0\0\0\x08\x04\xD2\x16\x2F"s;
const std::string kStartup = "\0\0\0\x0D\0\x03\0\0user\0"s;
const std::string kQuery = "Q\0\0\0\x0DSELECT 1\0"s;
const std::string kSync = "S\0\0\0\x04"s;
const std::string kAuthenticated = "R\0\0\0\x08\0\0\0\0"s;
const std::string kNotice = "N\0\0\0\x06hi"s;

/// Where message `number` begins in `stream`, whether it comes in one piece or by bytes.
std::size_t begin_of(int number, From from, const std::string& stream) {
  const auto at = PostgresMessages(from).before(number, stream);
  PostgresMessages messages(from);
  std::size_t passed = 0;
  while (passed < stream.size() && messages.before(number, stream.substr(passed, 1)) == 1) ++passed;
  EXPECT_EQ(passed, at);
  return at;
}

TEST(PostgresMessagesTest, TheClientsFirstMessagesHaveNoType) {
  const auto stream = kSslRequest + kStartup + kQuery + kSync;
  EXPECT_EQ(begin_of(1, From::kClient, stream), 0U);
  EXPECT_EQ(begin_of(2, From::kClient, stream), kSslRequest.size());
  EXPECT_EQ(begin_of(3, From::kClient, stream), kSslRequest.size() + kStartup.size());
  EXPECT_EQ(begin_of(4, From::kClient, stream), stream.size() - kSync.size());
  EXPECT_EQ(begin_of(5, From::kClient, stream), stream.size());
}

TEST(PostgresMessagesTest, ARefusalOfEncryptionIsOneByteAndANoticeIsNot) {
  const auto stream = "N" + kAuthenticated + kNotice + kSync;
  EXPECT_EQ(begin_of(2, From::kServer, stream), 1U);
  EXPECT_EQ(begin_of(3, From::kServer, stream), 1 + kAuthenticated.size());
  EXPECT_EQ(begin_of(4, From::kServer, stream), stream.size() - kSync.size());
}

}  // namespace
}  // namespace kinbox::testing
