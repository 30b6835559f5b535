#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace kinbox::testing {

// A TCP proxy on loopback that breaks connections in the ways networks do.
//
// Without a fault it is transparent: bytes in order, FIN for FIN, RST for RST. Faults hold for all
// connections, open and future, until taken back; while the server does not listen, clients are
// accepted and reset.
//
// Any thread may call. A call returns when the fault is in force: bytes that a peer sends
// afterwards meet it. The destructor resets what is open.
class TcpProxy {
 public:
  enum class Direction { kToServer, kToClient, kBoth };

  /// Listens on `listen_port` (0: any free one). Throws std::system_error if it is taken.
  explicit TcpProxy(std::uint16_t upstream_port, std::uint16_t listen_port = 0);
  ~TcpProxy();

  std::uint16_t port() const;

  /// Bytes in this direction stay where they are, as if the peer had frozen or the cable were cut:
  /// connecting works, sending works until buffers are full, nothing arrives, nobody is told.
  void stall(Direction direction);

  /// Takes stall() and delay() back; what was held arrives.
  void flow();

  /// Every byte arrives this much later, in both directions.
  void delay(std::chrono::milliseconds delay);

  /// Resets all open connections, both ends.
  void reset_all();

  /// Once: the first client message that contains `request` reaches the server, but nothing that
  /// the server says after it reaches the client. When the server has said something that contains
  /// `reply`, that client is reset. So the server has done what was asked, and the client cannot
  /// know. Needs a protocol that sends `request` and `reply` unencrypted; their bytes may come in
  /// pieces, but `request` is looked for from now on.
  void lose_reply(std::string request, std::string reply);

  /// Once: the first client message that contains `request` does not reach the server from there
  /// on, and both ends are reset. The twin of lose_reply(): the server has not done it.
  void lose_request(std::string request);

  /// How many of these bytes, the next of a connection, still pass.
  using Gate = std::function<std::size_t(std::string_view)>;
  /// Once: each connection opened from now on gets a gate for `direction` (one of the two); at the
  /// first that does not let all pass, its network goes silent: what follows in that direction is
  /// taken and dropped, and neither peer learns any more that the other has closed. `make_gate` and
  /// gates run on a thread of the proxy's.
  void swallow(Direction direction, std::function<Gate()> make_gate);

  /// How many requests, replies and connections were lost so far: wait for it to know that the
  /// fault has struck.
  int losses() const;

  int open_connections() const;
  /// How many were opened so far.
  int connections() const;

 private:
  class Loop;
  std::unique_ptr<Loop> loop_;
};

}  // namespace kinbox::testing
