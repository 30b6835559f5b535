#include "support/tcp_proxy.hpp"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <functional>
#include <future>
#include <list>
#include <mutex>
#include <optional>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "support/loopback.hpp"
#include "support/tcp_pipe.hpp"

namespace kinbox::testing {
namespace {

using Clock = TcpPipe::Clock;

struct Connection {
  Fd client;
  Fd server;
  TcpPipe to_server{client, server};
  TcpPipe to_client{server, client};
  std::optional<StreamSearch> request;
  /// Set from the lost request on: what the server says is dropped, until it has said this.
  std::optional<StreamSearch> reply;
  TcpProxy::Direction gated = TcpProxy::Direction::kBoth;
  TcpProxy::Gate gate;
  /// The gate has shut.
  bool silent = false;
  /// Then a peer reset it: the other is not told, and nothing is passed any more.
  bool mute = false;
  bool closed = false;

  Connection(Fd accepted, Fd upstream) : client(std::move(accepted)), server(std::move(upstream)) {}

  void go_silent() {
    silent = true;
    to_server.keep_end();
    to_client.keep_end();
  }

  void reset_both() {
    reset(client);
    reset(server);
    closed = true;
  }
};

struct Loss {
  std::string request;
  /// Without a value the request itself is lost.
  std::optional<std::string> reply;
};

Fd make_event() {
  Fd event(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!event) throw std::system_error(errno, std::generic_category(), "eventfd");
  return event;
}

}  // namespace

// Everything but post() runs on the loop's thread, so nothing else needs a lock.
class TcpProxy::Loop {
 public:
  Loop(std::uint16_t upstream_port, std::uint16_t listen_port)
      : upstream_port_(upstream_port),
        listener_(listen_on_loopback(listen_port)),
        port_(local_port(listener_)),
        wake_(make_event()) {
    make_non_blocking(listener_);
    thread_ = std::thread([this] { run(); });
  }

  ~Loop() {
    call([this] { stopping_ = true; });
    thread_.join();
  }

  std::uint16_t port() const { return port_; }

  /// Runs `action` between two rounds of the loop; returns when it has run.
  void call(const std::function<void()>& action) {
    std::packaged_task<void()> task(action);
    auto done = task.get_future();
    {
      const std::lock_guard lock(mutex_);
      tasks_.push_back(std::move(task));
    }
    ::eventfd_write(wake_.get(), 1);
    done.get();
  }

  void stall(Direction direction) {
    stalled_to_server_ |= direction != Direction::kToClient;
    stalled_to_client_ |= direction != Direction::kToServer;
  }

  void flow() {
    stalled_to_server_ = stalled_to_client_ = false;
    delay_ = {};
  }

  void set_delay(std::chrono::milliseconds delay) { delay_ = delay; }

  void reset_all() {
    for (auto& connection : connections_) connection.reset_both();
    connections_.clear();
  }

  void lose(Loss loss) {
    loss_ = std::move(loss);
    for (auto& connection : connections_) connection.request.emplace(loss_->request);
  }

  void swallow(Direction direction, std::function<Gate()> make_gate) {
    gated_ = direction;
    make_gate_ = std::move(make_gate);
  }

  int connections() const { return accepted_; }
  int losses() const { return losses_; }
  int open_connections() const { return static_cast<int>(connections_.size()); }

 private:
  void run();
  void wait_for_work();
  void add_interest(const TcpPipe& pipe, bool stalled, Clock::time_point now);
  void run_tasks();
  void accept_clients();
  void serve(Connection& connection);
  void pass_gate(Connection& connection, Direction direction, std::string& bytes);
  void serve_to_server(Connection& connection);
  void serve_to_client(Connection& connection);

  Clock::time_point due() const { return Clock::now() + delay_; }

  const std::uint16_t upstream_port_;
  Fd listener_;
  const std::uint16_t port_;
  Fd wake_;
  std::vector<pollfd> interest_;
  std::optional<Clock::time_point> next_due_;
  std::list<Connection> connections_;  // pipes refer to their connection's sockets: no moving
  bool stalled_to_server_ = false;
  bool stalled_to_client_ = false;
  std::chrono::milliseconds delay_{};
  std::optional<Loss> loss_;
  int losses_ = 0;
  int accepted_ = 0;
  Direction gated_ = Direction::kBoth;
  std::function<Gate()> make_gate_;
  bool stopping_ = false;

  std::mutex mutex_;
  std::vector<std::packaged_task<void()>> tasks_;  // guarded by mutex_
  std::thread thread_;
};

void TcpProxy::Loop::run() {
  while (!stopping_) {
    wait_for_work();
    run_tasks();
    accept_clients();
    for (auto& connection : connections_)
      if (!connection.mute) serve(connection);
    connections_.remove_if([](const Connection& c) { return c.closed; });
  }
  reset_all();
}

void TcpProxy::Loop::wait_for_work() {
  const auto now = Clock::now();
  next_due_.reset();
  interest_ = {{wake_.get(), POLLIN, 0}, {listener_.get(), POLLIN, 0}};
  for (const auto& connection : connections_) {
    if (connection.mute) continue;
    add_interest(connection.to_server, stalled_to_server_, now);
    add_interest(connection.to_client, stalled_to_client_, now);
  }
  int timeout = -1;
  if (next_due_) {
    const auto wait = std::chrono::ceil<std::chrono::milliseconds>(*next_due_ - now).count();
    timeout = static_cast<int>(std::max<std::int64_t>(wait, 0));
  }
  ::poll(interest_.data(), interest_.size(), timeout);
}

// A socket without interest is left out altogether: poll() would report its hangup for ever.
void TcpProxy::Loop::add_interest(const TcpPipe& pipe, bool stalled, Clock::time_point now) {
  if (stalled) return;
  if (pipe.wants_input()) interest_.push_back({pipe.from().get(), POLLIN, 0});
  if (pipe.has_due_output(now)) {
    interest_.push_back({pipe.to().get(), POLLOUT, 0});
  } else if (const auto due = pipe.next_due()) {
    next_due_ = std::min(next_due_.value_or(*due), *due);
  }
}

void TcpProxy::Loop::run_tasks() {
  eventfd_t ignored;
  ::eventfd_read(wake_.get(), &ignored);
  std::vector<std::packaged_task<void()>> tasks;
  {
    const std::lock_guard lock(mutex_);
    tasks.swap(tasks_);
  }
  for (auto& task : tasks) task();
}

void TcpProxy::Loop::accept_clients() {
  while (Fd client{::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK)}) {
    Fd server = connect_to_loopback(upstream_port_);
    if (!server) {
      reset(client);
      continue;
    }
    make_non_blocking(server);
    auto& connection = connections_.emplace_back(std::move(client), std::move(server));
    ++accepted_;
    if (loss_) connection.request.emplace(loss_->request);
    connection.gated = gated_;
    if (make_gate_) connection.gate = make_gate_();
  }
}

// A broken half breaks the other half.
void TcpProxy::Loop::serve(Connection& connection) {
  try {
    if (!stalled_to_server_) serve_to_server(connection);
    if (!connection.closed && !stalled_to_client_) serve_to_client(connection);
  } catch (const std::system_error&) {
    if (connection.silent)
      connection.mute = true;
    else
      connection.reset_both();
  }
  connection.closed |= connection.to_server.finished() && connection.to_client.finished();
}

void TcpProxy::Loop::pass_gate(Connection& connection, Direction direction, std::string& bytes) {
  if (connection.gated != direction || !connection.gate || bytes.empty()) return;
  // Another connection's gate has shut.
  if (!make_gate_ && !connection.silent) return;
  const auto passes = connection.silent ? 0 : connection.gate(bytes);
  if (passes == bytes.size()) return;
  bytes.resize(passes);
  if (connection.silent) return;
  connection.go_silent();
  make_gate_ = {};
  ++losses_;
}

void TcpProxy::Loop::serve_to_server(Connection& connection) {
  TcpPipe& pipe = connection.to_server;
  if (pipe.wants_input()) {
    std::string bytes = pipe.read();
    if (loss_ && connection.request && connection.request->found_in(bytes)) {
      const Loss loss = *std::exchange(loss_, std::nullopt);
      if (!loss.reply) {
        ++losses_;
        return connection.reset_both();
      }
      connection.reply.emplace(*loss.reply);
    }
    pass_gate(connection, Direction::kToServer, bytes);
    if (!bytes.empty()) pipe.hold(std::move(bytes), due());
  }
  pipe.write(Clock::now());
}

void TcpProxy::Loop::serve_to_client(Connection& connection) {
  TcpPipe& pipe = connection.to_client;
  if (pipe.wants_input()) {
    std::string bytes = pipe.read();
    if (connection.reply) {
      if (bytes.empty() || !connection.reply->found_in(bytes)) return;
      ++losses_;
      return connection.reset_both();
    }
    pass_gate(connection, Direction::kToClient, bytes);
    if (!bytes.empty()) pipe.hold(std::move(bytes), due());
  }
  pipe.write(Clock::now());
}

TcpProxy::TcpProxy(std::uint16_t upstream_port, std::uint16_t listen_port)
    : loop_(std::make_unique<Loop>(upstream_port, listen_port)) {}

TcpProxy::~TcpProxy() = default;

std::uint16_t TcpProxy::port() const { return loop_->port(); }

void TcpProxy::stall(Direction direction) {
  loop_->call([&] { loop_->stall(direction); });
}

void TcpProxy::flow() {
  loop_->call([&] { loop_->flow(); });
}

void TcpProxy::delay(std::chrono::milliseconds delay) {
  loop_->call([&] { loop_->set_delay(delay); });
}

void TcpProxy::reset_all() {
  loop_->call([&] { loop_->reset_all(); });
}

void TcpProxy::lose_reply(std::string request, std::string reply) {
  loop_->call([&] { loop_->lose({std::move(request), std::move(reply)}); });
}

void TcpProxy::lose_request(std::string request) {
  loop_->call([&] { loop_->lose({std::move(request), std::nullopt}); });
}

void TcpProxy::swallow(Direction direction, std::function<Gate()> make_gate) {
  loop_->call([&] { loop_->swallow(direction, std::move(make_gate)); });
}

int TcpProxy::losses() const {
  int count = 0;
  loop_->call([&] { count = loop_->losses(); });
  return count;
}

int TcpProxy::open_connections() const {
  int count = 0;
  loop_->call([&] { count = loop_->open_connections(); });
  return count;
}

int TcpProxy::connections() const {
  int count = 0;
  loop_->call([&] { count = loop_->connections(); });
  return count;
}

}  // namespace kinbox::testing
