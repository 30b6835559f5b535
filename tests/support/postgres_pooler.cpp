#include "support/postgres_pooler.hpp"

#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstring>
#include <optional>
#include <stdexcept>
#include <system_error>

namespace kinbox::testing {
namespace {

constexpr std::int32_t kProtocol3 = 3 << 16;

std::string big_endian(std::int32_t number) {
  const auto wire = htonl(static_cast<std::uint32_t>(number));
  std::string bytes(sizeof wire, '\0');
  std::memcpy(bytes.data(), &wire, sizeof wire);
  return bytes;
}

std::int32_t from_big_endian(const std::string& bytes) {
  std::uint32_t wire = 0;
  std::memcpy(&wire, bytes.data(), sizeof wire);
  return static_cast<std::int32_t>(ntohl(wire));
}

std::string read_exactly(const Fd& fd, std::size_t size) {
  std::string bytes(size, '\0');
  for (std::size_t at = 0; at < size;) {
    const auto count = recv(fd.get(), bytes.data() + at, size - at, 0);
    if (count <= 0) throw std::runtime_error("the peer is gone");
    at += static_cast<std::size_t>(count);
  }
  return bytes;
}

void write_all(const Fd& fd, const std::string& bytes) {
  for (std::size_t at = 0; at < bytes.size();) {
    const auto count = send(fd.get(), bytes.data() + at, bytes.size() - at, MSG_NOSIGNAL);
    if (count <= 0) throw std::runtime_error("the peer is gone");
    at += static_cast<std::size_t>(count);
  }
}

struct Message {
  char type;
  std::string body;

  std::string wire() const {
    return type + big_endian(static_cast<std::int32_t>(body.size() + 4)) + body;
  }
};

Message read_message(const Fd& fd) {
  const char type = read_exactly(fd, 1)[0];
  const auto size = static_cast<std::size_t>(from_big_endian(read_exactly(fd, 4)));
  return {type, read_exactly(fd, size - 4)};
}

/// The first message has no type; requests for encryption come before it and are declined.
void read_startup(const Fd& client) {
  for (;;) {
    const auto size = static_cast<std::size_t>(from_big_endian(read_exactly(client, 4)));
    if (from_big_endian(read_exactly(client, size - 4)) == kProtocol3) return;
    write_all(client, "N");
  }
}

std::string welcome(const std::string& server_version) {
  using namespace std::string_literals;
  return Message{'R', big_endian(0)}.wire() +
         Message{'S', "server_version\0"s + server_version + "\0"s}.wire() +
         Message{'S', "client_encoding\0UTF8\0"s}.wire() +
         Message{'K', big_endian(-1) + big_endian(1)}.wire() + Message{'Z', "I"}.wire();
}

Fd log_in(std::uint16_t port) {
  using namespace std::string_literals;
  Fd server = connect_to_loopback(port);
  const auto startup = big_endian(kProtocol3) + "user\0postgres\0database\0postgres\0\0"s;
  write_all(server, big_endian(static_cast<std::int32_t>(startup.size() + 4)) + startup);
  while (read_message(server).type != 'Z') {
  }
  return server;
}

/// Passes answers on up to ReadyForQuery, and tells the transaction status in it.
char pass_answer(const Fd& server, const Fd& client) {
  for (;;) {
    const auto message = read_message(server);
    write_all(client, message.wire());
    if (message.type == 'Z') return message.body[0];
  }
}

}  // namespace

PostgresPooler::PostgresPooler(std::uint16_t server_port, Mode mode, std::string claimed_version)
    : server_port_(server_port),
      mode_(mode),
      claimed_version_(std::move(claimed_version)),
      listener_(listen_on_loopback(0)),
      acceptor_([this] { accept_clients(); }) {}

PostgresPooler::~PostgresPooler() {
  shutdown(listener_.get(), SHUT_RDWR);
  acceptor_.join();
  for (const auto& client : clients_) shutdown(client.get(), SHUT_RDWR);
  for (auto& thread : threads_) thread.join();
}

void PostgresPooler::accept_clients() {
  for (;;) {
    Fd client(accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
    if (!client) return;
    clients_.push_back(std::move(client));
    threads_.emplace_back([this, &client = clients_.back()] {
      try {
        serve(client);
      } catch (const std::exception&) {
        shutdown(client.get(), SHUT_RDWR);
      }
    });
  }
}

void PostgresPooler::serve(const Fd& client) {
  read_startup(client);
  write_all(client, welcome(claimed_version_));
  std::optional<Fd> server;
  for (;;) {
    const auto message = read_message(client);
    if (message.type == 'X') break;
    if (!server) server = take_server();
    write_all(*server, message.wire());
    if (message.type != 'Q' && message.type != 'S') continue;
    const bool idle = pass_answer(*server, client) == 'I';
    if (idle && mode_ != Mode::kSession) {
      give_back(std::move(*server));
      server.reset();
    }
  }
}

Fd PostgresPooler::take_server() {
  const std::lock_guard lock(mutex_);
  if (idle_.empty()) return log_in(server_port_);
  const bool newest = mode_ == Mode::kTransactionNewest;
  Fd server = std::move(newest ? idle_.back() : idle_.front());
  newest ? idle_.pop_back() : idle_.pop_front();
  return server;
}

void PostgresPooler::give_back(Fd server) {
  const std::lock_guard lock(mutex_);
  idle_.push_back(std::move(server));
}

}  // namespace kinbox::testing
