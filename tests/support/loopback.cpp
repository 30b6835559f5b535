#include "support/loopback.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

namespace kinbox::testing {
namespace {

sockaddr_in loopback(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

int checked(int result, const char* call) {
  if (result < 0) throw std::system_error(errno, std::generic_category(), call);
  return result;
}

Fd tcp_socket() { return Fd(checked(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), "socket")); }

template <typename Value>
void set_option(const Fd& socket, int level, int option, Value value) {
  checked(::setsockopt(socket.get(), level, option, &value, sizeof value), "setsockopt");
}

}  // namespace

Fd::~Fd() {
  if (fd_ >= 0) ::close(fd_);
}

Fd listen_on_loopback(std::uint16_t port) {
  Fd listener = tcp_socket();
  set_option(listener, SOL_SOCKET, SO_REUSEADDR, 1);
  const sockaddr_in address = loopback(port);
  checked(::bind(listener.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address),
          "bind");
  checked(::listen(listener.get(), SOMAXCONN), "listen");
  return listener;
}

std::uint16_t local_port(const Fd& socket) {
  sockaddr_in address{};
  socklen_t size = sizeof address;
  checked(::getsockname(socket.get(), reinterpret_cast<sockaddr*>(&address), &size), "getsockname");
  return ntohs(address.sin_port);
}

Fd connect_to_loopback(std::uint16_t port) {
  Fd socket = tcp_socket();
  const sockaddr_in address = loopback(port);
  const int result =
      ::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address);
  if (result < 0 && errno == ECONNREFUSED) return Fd();
  checked(result, "connect");
  set_option(socket, IPPROTO_TCP, TCP_NODELAY, 1);
  return socket;
}

void reset(Fd& socket) {
  if (!socket) return;
  set_option(socket, SOL_SOCKET, SO_LINGER, linger{.l_onoff = 1, .l_linger = 0});
  socket.close();
}

void make_non_blocking(const Fd& fd) {
  const int flags = checked(::fcntl(fd.get(), F_GETFL), "fcntl");
  checked(::fcntl(fd.get(), F_SETFL, flags | O_NONBLOCK), "fcntl");
}

}  // namespace kinbox::testing
