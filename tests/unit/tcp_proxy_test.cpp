#include "support/tcp_proxy.hpp"

#include <gmock/gmock.h>
#include <poll.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <future>
#include <string>
#include <string_view>

#include "support/eventually.hpp"
#include "support/loopback.hpp"
#include "support/tcp_pipe.hpp"

namespace kinbox::testing {
namespace {

using std::chrono::milliseconds;
using Direction = TcpProxy::Direction;

bool readable(const Fd& socket, milliseconds deadline) {
  pollfd interest{socket.get(), POLLIN, 0};
  return ::poll(&interest, 1, static_cast<int>(deadline.count())) == 1;
}

/// What arrives in one piece: the bytes, "end" for FIN, "reset" for RST, "nothing" in time.
std::string receive(const Fd& socket, milliseconds deadline = std::chrono::seconds(10)) {
  if (!readable(socket, deadline)) return "nothing";
  std::array<char, 65536> buffer;
  const ssize_t count = ::recv(socket.get(), buffer.data(), buffer.size(), 0);
  if (count < 0) return errno == ECONNRESET ? "reset" : "error";
  return count == 0 ? "end" : std::string(buffer.data(), static_cast<std::size_t>(count));
}

void send(const Fd& socket, std::string_view text) {
  EXPECT_EQ(::send(socket.get(), text.data(), text.size(), MSG_NOSIGNAL),
            static_cast<ssize_t>(text.size()));
}

constexpr milliseconds kQuiet{100};

// Both ends of one proxied connection in the hands of the test.
class TcpProxyTest : public ::testing::Test {
 protected:
  struct Ends {
    Fd client;
    Fd server;
  };

  Ends connect() {
    Ends ends;
    ends.client = connect_to_loopback(proxy_.port());
    ends.server = Fd(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
    return ends;
  }

  Fd listener_ = listen_on_loopback(0);
  TcpProxy proxy_{local_port(listener_)};
};

TEST_F(TcpProxyTest, BytesGoBothWays) {
  const Ends ends = connect();
  send(ends.client, "question");
  EXPECT_EQ(receive(ends.server), "question");
  send(ends.server, "answer");
  EXPECT_EQ(receive(ends.client), "answer");
}

TEST_F(TcpProxyTest, WhatAGateHoldsBackIsSwallowedAndNoEndIsTold) {
  proxy_.swallow(Direction::kToServer, [] {
    return [](std::string_view bytes) { return std::min(bytes.size(), bytes.find('!')); };
  });
  Ends ends = connect();
  send(ends.client, "before!behind");
  EXPECT_EQ(receive(ends.server), "before");
  EXPECT_TRUE(eventually([&] { return proxy_.losses() == 1; }));
  send(ends.client, "more");
  send(ends.server, "answer");
  EXPECT_EQ(receive(ends.client), "answer");
  ends.client.close();
  EXPECT_EQ(receive(ends.server, kQuiet), "nothing");
  send(ends.server, "to nobody");
  EXPECT_EQ(receive(ends.server, kQuiet), "nothing");
}

TEST_F(TcpProxyTest, TheOtherWayIsSilentTooWhenTheServerEnds) {
  proxy_.swallow(Direction::kToClient, [] { return [](std::string_view) { return 0; }; });
  Ends ends = connect();
  send(ends.server, "answer");
  EXPECT_TRUE(eventually([&] { return proxy_.losses() == 1; }));
  ends.server.close();
  EXPECT_EQ(receive(ends.client, kQuiet), "nothing");
}

TEST_F(TcpProxyTest, OnlyTheFirstConnectionWhoseGateShutsGoesSilent) {
  proxy_.swallow(Direction::kToServer, [] { return [](std::string_view) { return 0; }; });
  const Ends before = connect();
  const Ends first = connect();
  send(first.client, "swallowed");
  EXPECT_TRUE(eventually([&] { return proxy_.losses() == 1; }));
  const Ends after = connect();
  for (const auto* ends : {&before, &after}) {
    send(ends->client, "question");
    EXPECT_EQ(receive(ends->server), "question");
  }
  EXPECT_EQ(proxy_.connections(), 3);
}

TEST_F(TcpProxyTest, AMegabyteArrivesInOrder) {
  std::string sent;
  for (int i = 0; sent.size() < 4'000'000; ++i) sent += std::to_string(i);
  Ends ends = connect();
  auto sender = std::async(std::launch::async, [&] {
    send(ends.client, sent);
    ends.client.close();
  });
  std::string received;
  for (std::string piece; (piece = receive(ends.server)) != "end";) received += piece;
  EXPECT_EQ(received, sent);
}

TEST_F(TcpProxyTest, AFinIsPassedOnAndTheOtherDirectionStaysOpen) {
  const Ends ends = connect();
  send(ends.client, "last words");
  ::shutdown(ends.client.get(), SHUT_WR);
  EXPECT_EQ(receive(ends.server), "last words");
  EXPECT_EQ(receive(ends.server), "end");
  send(ends.server, "answer");
  EXPECT_EQ(receive(ends.client), "answer");
}

TEST_F(TcpProxyTest, AConnectionThatBothEndsHaveClosedIsForgotten) {
  Ends ends = connect();
  ASSERT_TRUE(eventually([&] { return proxy_.open_connections() == 1; }));
  ends.client.close();
  ends.server.close();
  EXPECT_TRUE(eventually([&] { return proxy_.open_connections() == 0; }));
}

TEST_F(TcpProxyTest, AResetIsPassedOnAsReset) {
  Ends ends = connect();
  reset(ends.server);
  EXPECT_EQ(receive(ends.client), "reset");
}

TEST_F(TcpProxyTest, WithoutAServerTheClientIsReset) {
  listener_.close();
  const Fd client = connect_to_loopback(proxy_.port());
  ASSERT_TRUE(client);
  EXPECT_EQ(receive(client), "reset");
}

TEST_F(TcpProxyTest, AStallHoldsOneDirectionOnly) {
  const Ends ends = connect();
  proxy_.stall(Direction::kToServer);
  send(ends.client, "question");
  send(ends.server, "news");
  EXPECT_EQ(receive(ends.client), "news");
  EXPECT_EQ(receive(ends.server, kQuiet), "nothing");
  proxy_.flow();
  EXPECT_EQ(receive(ends.server), "question");
}

TEST_F(TcpProxyTest, AStallTowardsTheClientHoldsAnswers) {
  const Ends ends = connect();
  proxy_.stall(Direction::kToClient);
  send(ends.client, "question");
  EXPECT_EQ(receive(ends.server), "question");
  send(ends.server, "answer");
  EXPECT_EQ(receive(ends.client, kQuiet), "nothing");
  proxy_.flow();
  EXPECT_EQ(receive(ends.client), "answer");
}

TEST_F(TcpProxyTest, NobodyLearnsOfAResetWhileBothDirectionsAreStalled) {
  Ends ends = connect();
  proxy_.stall(Direction::kBoth);
  reset(ends.client);
  EXPECT_EQ(receive(ends.server, kQuiet), "nothing");
  proxy_.flow();
  EXPECT_EQ(receive(ends.server), "reset");
}

TEST_F(TcpProxyTest, AStallMeetsNewConnectionsToo) {
  proxy_.stall(Direction::kBoth);
  const Ends ends = connect();
  send(ends.client, "question");
  EXPECT_EQ(receive(ends.server, kQuiet), "nothing");
}

TEST_F(TcpProxyTest, ADelayedByteArrivesLaterAndNotAtOnce) {
  const Ends ends = connect();
  proxy_.delay(milliseconds(300));
  const auto begin = std::chrono::steady_clock::now();
  send(ends.client, "question");
  EXPECT_EQ(receive(ends.server), "question");
  EXPECT_GE(std::chrono::steady_clock::now() - begin, milliseconds(300));
}

TEST_F(TcpProxyTest, ResetAllResetsBothEndsOfEveryConnection) {
  const Ends first = connect();
  const Ends second = connect();
  ASSERT_TRUE(eventually([&] { return proxy_.open_connections() == 2; }));
  proxy_.reset_all();
  for (const Fd* end : {&first.client, &first.server, &second.client, &second.server}) {
    EXPECT_EQ(receive(*end), "reset");
  }
}

TEST_F(TcpProxyTest, ALostReplyWasAskedForInFullAndCutsTheClientOff) {
  const Ends ends = connect();
  proxy_.lose_reply("COMMIT", "done");
  send(ends.client, "please COMMIT now");
  EXPECT_EQ(receive(ends.server), "please COMMIT now");
  EXPECT_EQ(proxy_.losses(), 0);
  send(ends.server, "all is done");
  EXPECT_EQ(receive(ends.client), "reset");
  EXPECT_EQ(proxy_.losses(), 1);
}

TEST_F(TcpProxyTest, WhatTheServerSaysBeforeTheLostReplyIsLostTooAndCutsNobodyOff) {
  const Ends ends = connect();
  proxy_.lose_reply("COMMIT", "done");
  send(ends.client, "COMMIT");
  EXPECT_EQ(receive(ends.server), "COMMIT");
  send(ends.server, "working on it");
  EXPECT_EQ(receive(ends.client, kQuiet), "nothing");
  send(ends.server, "done");
  EXPECT_EQ(receive(ends.client), "reset");
}

TEST_F(TcpProxyTest, OnlyOneReplyIsLost) {
  const Ends first = connect();
  const Ends second = connect();
  proxy_.lose_reply("COMMIT", "done");
  for (const Ends* ends : {&first, &second}) {
    send(ends->client, "COMMIT");
    EXPECT_EQ(receive(ends->server), "COMMIT");
    send(ends->server, "done");
  }
  EXPECT_EQ(receive(first.client), "reset");
  EXPECT_EQ(receive(second.client), "done");
}

TEST_F(TcpProxyTest, AReplyIsLostOnAConnectionMadeLater) {
  proxy_.lose_reply("COMMIT", "done");
  const Ends ends = connect();
  send(ends.client, "COMMIT");
  EXPECT_EQ(receive(ends.server), "COMMIT");
  send(ends.server, "done");
  EXPECT_EQ(receive(ends.client), "reset");
}

TEST_F(TcpProxyTest, ALostRequestNeverArrives) {
  const Ends ends = connect();
  proxy_.lose_request("COMMIT");
  send(ends.client, "hello");
  EXPECT_EQ(receive(ends.server), "hello");
  send(ends.client, "COMMIT");
  EXPECT_EQ(receive(ends.server), "reset");
  EXPECT_EQ(receive(ends.client), "reset");
  EXPECT_EQ(proxy_.losses(), 1);
}

TEST_F(TcpProxyTest, TheListenPortCanBeChosen) {
  Fd other = listen_on_loopback(0);
  const auto port = local_port(other);
  EXPECT_THROW(TcpProxy(local_port(listener_), port), std::system_error);
  other.close();
  EXPECT_EQ(TcpProxy(local_port(listener_), port).port(), port);
}

TEST(StreamSearch, FindsATextAcrossPieces) {
  StreamSearch search("COMMIT");
  EXPECT_FALSE(search.found_in("BEGIN; CO"));
  EXPECT_FALSE(search.found_in("M"));
  EXPECT_TRUE(search.found_in("MIT"));
}

TEST(StreamSearch, DoesNotFindATextWhoseBytesAreApart) {
  StreamSearch search("COMMIT");
  EXPECT_FALSE(search.found_in("COM-"));
  EXPECT_FALSE(search.found_in("MIT"));
}

}  // namespace
}  // namespace kinbox::testing
