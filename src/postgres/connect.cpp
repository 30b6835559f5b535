#include "postgres/connect.hpp"

#include <poll.h>

#include <algorithm>
#include <optional>
#include <string_view>

#include "kinbox/errors.hpp"
#include "postgres/wait.hpp"

namespace kinbox::postgres {
namespace {

using Settings = std::vector<std::pair<std::string, std::string>>;
using ParsedHandle = std::unique_ptr<PQconninfoOption, Destroy<PQconninfoFree>>;

ParsedHandle parse(const Options& options) {
  char* error = nullptr;
  ParsedHandle parsed(PQconninfoParse(options.uri.c_str(), &error));
  const std::unique_ptr<char, Destroy<PQfreemem>> error_owner(error);
  // libpq's own text quotes the piece it stumbled over, which may be the password's.
  if (!parsed)
    throw ConfigurationError(
        "database.uri is neither a PostgreSQL URI (postgresql://user@host:port/database) nor a "
        "libpq connection string; percent-encode special characters of a URI, the password's above "
        "all");
  return parsed;
}

std::string setting(const PQconninfoOption* parsed, std::string_view name) {
  for (; parsed->keyword != nullptr; ++parsed)
    if (parsed->keyword == name) return parsed->val == nullptr ? "" : parsed->val;
  return {};
}

std::vector<std::string> split(const std::string& list) {
  std::vector<std::string> parts;
  for (std::size_t start = 0;;) {
    const auto comma = list.find(',', start);
    parts.push_back(list.substr(start, comma - start));
    if (comma == std::string::npos) return parts;
    start = comma + 1;
  }
}

/// libpq takes an empty override for none.
std::string port_of(const std::vector<std::string>& ports, std::size_t host) {
  const auto& port = ports[std::min(host, ports.size() - 1)];
  return port.empty() ? "5432" : port;
}

/// What overrides `uri` to try its n-th host only. libpq's own walk through several hosts cannot be
/// driven with a time limit per host from outside, and one dead host would use up all of it.
std::vector<Settings> hosts_of(const Options& options) {
  const auto parsed = parse(options);
  const auto hosts = split(setting(parsed.get(), "host"));
  const auto addresses = split(setting(parsed.get(), "hostaddr"));
  const auto ports = split(setting(parsed.get(), "port"));
  const auto count = std::max(hosts.size(), addresses.size());
  if (count == 1) return {{}};
  std::vector<Settings> all;
  for (std::size_t n = 0; n < count; ++n) {
    Settings one;
    if (n < hosts.size()) one.emplace_back("host", hosts[n]);
    if (n < addresses.size()) one.emplace_back("hostaddr", addresses[n]);
    one.emplace_back("port", port_of(ports, n));
    all.push_back(std::move(one));
  }
  return all;
}

/// Later ones win, and so does what `uri` says over what stands before it.
Settings settings_for(const Options& options, const Settings& host) {
  Settings all{{"fallback_application_name", "kinbox"},
               {"keepalives_idle", "30"},
               {"keepalives_interval", "10"},
               {"keepalives_count", "3"},
               {"tcp_user_timeout", std::to_string(options.call_deadline.count())},
               {"dbname", options.uri}};
  if (options.password) all.emplace_back("password", *options.password);
  all.insert(all.end(), host.begin(), host.end());
  return all;
}

ConnectionHandle start(const Settings& settings) {
  std::vector<const char*> keywords;
  std::vector<const char*> values;
  for (const auto& [keyword, value] : settings) {
    keywords.push_back(keyword.c_str());
    values.push_back(value.c_str());
  }
  keywords.push_back(nullptr);
  values.push_back(nullptr);
  ConnectionHandle connection(PQconnectStartParams(keywords.data(), values.data(), 1));
  if (!connection) throw std::bad_alloc();
  // The only way to learn the SQLSTATE of a refused connection.
  PQsetErrorVerbosity(connection.get(), PQERRORS_VERBOSE);
  // libpq's default prints to stderr.
  PQsetNoticeProcessor(
      connection.get(), [](void*, const char*) {}, nullptr);
  return connection;
}

/// False when the deadline passed.
bool finish(PGconn* connection, Deadline deadline) {
  auto next = PGRES_POLLING_WRITING;
  while (PQstatus(connection) != CONNECTION_BAD) {
    if (next == PGRES_POLLING_OK || next == PGRES_POLLING_FAILED) return true;
    const short events = next == PGRES_POLLING_READING ? POLLIN : POLLOUT;
    if (wait_for(PQsocket(connection), events, deadline) == 0) return false;
    next = PQconnectPoll(connection);
  }
  return true;
}

struct Hint {
  std::string_view sqlstate;
  std::string_view text;
};

constexpr Hint kHints[] = {
    {"28P01", "check the user in database.uri and the password (database.password_file)"},
    {"28000",
     "the server does not let this user in from here: check the user and sslmode in "
     "database.uri, and the server's pg_hba.conf"},
    {"3D000", "create the database, or correct its name in database.uri"},
    {"53300", "raise the server's max_connections, or run fewer workers"},
};

// What libpq says about a server that does not answer in PostgreSQL's protocol, or hangs up.
constexpr std::string_view kForeign[] = {
    "invalid response to SSL negotiation",
    "expected authentication request from server",
    "server closed the connection unexpectedly",
};

std::string_view hint_for(PGconn* connection, std::string_view message) {
  if (PQconnectionNeedsPassword(connection) != 0)
    return "the server wants a password: set database.password_file";
  for (const auto& hint : kHints)
    if (message.find(std::string(hint.sqlstate) + ":") != std::string_view::npos) return hint.text;
  for (const auto sign : kForeign)
    if (message.find(sign) != std::string_view::npos)
      return "perhaps what answers there is no PostgreSQL server: check host and port in "
             "database.uri";
  return "check that the server runs, and host and port in database.uri";
}

/// One line, without the server's source location.
std::string tidy(std::string message) {
  if (const auto location = message.find("LOCATION:"); location != std::string::npos)
    message.resize(location);
  std::replace(message.begin(), message.end(), '\n', ' ');
  while (!message.empty() && message.back() == ' ') message.pop_back();
  return message;
}

std::string why_not(PGconn* connection, bool in_time, const Options& options) {
  if (!in_time)
    return "no answer within " + std::to_string(options.connect_timeout.count()) + " ms from " +
           PQhost(connection) + ":" + PQport(connection) +
           "; check that the server runs, and host and port in database.uri";
  const std::string message = PQerrorMessage(connection);
  return tidy(message) + "; " + std::string(hint_for(connection, message));
}

void require_longer(std::chrono::milliseconds value, std::chrono::milliseconds than,
                    const std::string& name, const std::string& other) {
  if (value <= than)
    throw ConfigurationError(name + " is " + std::to_string(value.count()) +
                             " ms: it must be more than " + other + " (" +
                             std::to_string(than.count()) + " ms)");
}

}  // namespace

void validate(const Options& options) {
  const auto parsed = parse(options);
  if (setting(parsed.get(), "host").find('@') != std::string::npos)
    throw ConfigurationError("database.uri: write '@' inside the user or password as %40");
  using std::chrono::milliseconds;
  require_longer(options.connect_timeout, milliseconds{0}, "database.connect_timeout", "nothing");
  require_longer(options.lock_timeout, milliseconds{0}, "database.lock_timeout", "nothing");
  require_longer(options.statement_timeout, milliseconds{0}, "database.statement_timeout",
                 "nothing");
  require_longer(options.idle_in_transaction_session_timeout, milliseconds{0},
                 "database.idle_in_transaction_session_timeout", "nothing");
  require_longer(options.call_deadline, options.statement_timeout, "database.call_deadline",
                 "database.statement_timeout");
}

ConnectionHandle connect(const Options& options) {
  std::string failures;
  for (const auto& host : hosts_of(options)) {
    auto connection = start(settings_for(options, host));
    const bool in_time = finish(connection.get(), after(options.connect_timeout));
    if (in_time && PQstatus(connection.get()) == CONNECTION_OK) {
      PQsetErrorVerbosity(connection.get(), PQERRORS_DEFAULT);
      return connection;
    }
    failures += (failures.empty() ? "" : " | ") + why_not(connection.get(), in_time, options);
  }
  throw InfrastructureError("cannot connect to PostgreSQL: " + failures);
}

}  // namespace kinbox::postgres
