#include "kinbox/email/smtp.hpp"

#include <curl/curl.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <exception>
#include <set>
#include <utility>

#include "core/storable_text.hpp"
#include "email/smtp_conversation.hpp"
#include "email/smtp_settings.hpp"
#include "email/smtp_trouble.hpp"
#include "kinbox/email/letter.hpp"
#include "kinbox/email/try_smtp.hpp"
#include "kinbox/errors.hpp"
#include "kinbox/observe/printable.hpp"

namespace kinbox::email {
namespace {

using Clock = std::chrono::steady_clock;

/// Bytes of a server's words that anybody needs.
constexpr std::size_t kMaxReply = 1000;

struct CloseHandle {
  void operator()(CURL* handle) const noexcept { curl_easy_cleanup(handle); }
};
using CurlHandle = std::unique_ptr<CURL, CloseHandle>;

struct FreeList {
  void operator()(curl_slist* list) const noexcept { curl_slist_free_all(list); }
};
using CurlList = std::unique_ptr<curl_slist, FreeList>;

CurlHandle new_handle() {
  // Once per process; C++ makes the first call of several threads wait.
  static const CURLcode ready = curl_global_init(CURL_GLOBAL_DEFAULT);
  CurlHandle handle(ready == CURLE_OK ? curl_easy_init() : nullptr);
  if (!handle) throw Error("libcurl cannot be started");
  return handle;
}

template <typename Value>
void set(const CurlHandle& handle, CURLoption option, Value value) {
  const auto code = curl_easy_setopt(handle.get(), option, value);
  if (code != CURLE_OK)
    throw Error("libcurl refuses an option: " + std::string(curl_easy_strerror(code)));
}

/// One delivery over one connection, as libcurl's callbacks see it.
struct Attempt {
  const Parcel& parcel;
  const std::function<bool()>& may_send;
  Clock::time_point deadline;
  SmtpConversation conversation = {};
  std::size_t sent = 0;
  bool given_up = false;
  bool connected_anew = false;
  std::exception_ptr thrown = {};
};

// Called by libcurl, in C: nothing may be thrown through it. `data` is where the attempt under way
// is found; libcurl may say goodbye to a server when there is none any more.

Attempt* current(void* data) { return *static_cast<Attempt**>(data); }

std::size_t give_content(char* buffer, std::size_t size, std::size_t count, void* data) {
  auto& attempt = *current(data);
  if (!attempt.conversation.content_began()) {
    try {
      attempt.given_up = !attempt.may_send();
    } catch (...) {
      attempt.given_up = true;
      attempt.thrown = std::current_exception();
    }
    if (attempt.given_up) return CURL_READFUNC_ABORT;
    attempt.conversation.content_begins();
  }
  const auto& message = attempt.parcel.message;
  const auto part = std::min(size * count, message.size() - attempt.sent);
  std::memcpy(buffer, message.data() + attempt.sent, part);
  attempt.sent += part;
  if (part == 0) attempt.conversation.content_ends();
  return part;
}

std::size_t take_answer(char* line, std::size_t size, std::size_t count, void* data) {
  if (auto* attempt = current(data)) attempt->conversation.received({line, size * count});
  return size * count;
}

int watch_commands(CURL*, curl_infotype type, char* text, std::size_t size, void* data) {
  auto* attempt = current(data);
  if (type == CURLINFO_HEADER_OUT && attempt != nullptr) attempt->conversation.sent({text, size});
  return 0;
}

/// libcurl's own deadline ends before it says goodbye.
int watch_deadline(void* data, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
  const auto* attempt = current(data);
  return attempt == nullptr || Clock::now() < attempt->deadline ? 0 : 1;
}

class Smtp final : public Transport {
 public:
  explicit Smtp(SmtpSettings settings);
  ~Smtp() override;

  Delivery deliver(const Parcel& parcel, const std::function<bool()>& may_send) override;
  /// Everything that comes before a mail. Nothing is delivered afterwards.
  void greet();

 private:
  void set_security();
  CURLcode perform(Attempt& attempt);
  CURLcode run(Attempt& attempt);
  void shut_down(int how);
  Delivery outcome(CURLcode code, const Attempt& attempt) const;

  static curl_socket_t open_socket(void* self, curlsocktype, curl_sockaddr* address);
  static int close_socket(void* self, curl_socket_t socket);

  const SmtpSettings settings_;
  std::array<char, CURL_ERROR_SIZE> error_{};
  std::set<curl_socket_t> sockets_;
  bool opened_ = false;
  Attempt* current_ = nullptr;
  /// Last: it closes its sockets while the rest is still there.
  CurlHandle handle_;
};

Smtp::Smtp(SmtpSettings settings) : settings_(std::move(settings)), handle_(new_handle()) {
  set(handle_, CURLOPT_URL, smtp_url(settings_).c_str());
  set(handle_, CURLOPT_PROTOCOLS_STR, "smtp,smtps");
  set(handle_, CURLOPT_PROXY, "");
  set(handle_, CURLOPT_NOSIGNAL, 1L);
  set(handle_, CURLOPT_QUICK_EXIT, 1L);
  set(handle_, CURLOPT_MAXCONNECTS, 1L);
  set(handle_, CURLOPT_UPLOAD, 1L);
  set(handle_, CURLOPT_ERRORBUFFER, error_.data());
  set(handle_, CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(settings_.connect_timeout.count()));
  set(handle_, CURLOPT_READFUNCTION, give_content);
  set(handle_, CURLOPT_READDATA, &current_);
  set(handle_, CURLOPT_HEADERFUNCTION, take_answer);
  set(handle_, CURLOPT_HEADERDATA, &current_);
  set(handle_, CURLOPT_DEBUGFUNCTION, watch_commands);
  set(handle_, CURLOPT_DEBUGDATA, &current_);
  set(handle_, CURLOPT_VERBOSE, 1L);
  set(handle_, CURLOPT_XFERINFOFUNCTION, watch_deadline);
  set(handle_, CURLOPT_XFERINFODATA, &current_);
  set(handle_, CURLOPT_NOPROGRESS, 0L);
  set(handle_, CURLOPT_OPENSOCKETFUNCTION, open_socket);
  set(handle_, CURLOPT_OPENSOCKETDATA, this);
  set(handle_, CURLOPT_CLOSESOCKETFUNCTION, close_socket);
  set(handle_, CURLOPT_CLOSESOCKETDATA, this);
  set_security();
}

void Smtp::set_security() {
  set(handle_, CURLOPT_USE_SSL,
      static_cast<long>(settings_.security == Security::kNone ? CURLUSESSL_NONE : CURLUSESSL_ALL));
  set(handle_, CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
  set(handle_, CURLOPT_SSL_VERIFYPEER, 1L);
  set(handle_, CURLOPT_SSL_VERIFYHOST, 2L);
  if (!settings_.ca_file.empty()) {
    set(handle_, CURLOPT_CAINFO, settings_.ca_file.c_str());
    // Nobody else's word counts then.
    set(handle_, CURLOPT_CAPATH, static_cast<const char*>(nullptr));
  }
  if (!settings_.user.empty()) {
    set(handle_, CURLOPT_USERNAME, settings_.user.c_str());
    set(handle_, CURLOPT_PASSWORD, settings_.password.c_str());
  }
}

Smtp::~Smtp() {
  // QUIT is said, but a server that does not answer it keeps nobody waiting.
  shut_down(SHUT_RD);
}

void Smtp::shut_down(int how) {
  for (const auto socket : sockets_) ::shutdown(socket, how);
}

curl_socket_t Smtp::open_socket(void* self, curlsocktype, curl_sockaddr* address) {
  auto& smtp = *static_cast<Smtp*>(self);
  const int fd = ::socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
  if (fd < 0) return CURL_SOCKET_BAD;
  smtp.opened_ = true;
  smtp.sockets_.insert(fd);
  return fd;
}

int Smtp::close_socket(void* self, curl_socket_t socket) {
  static_cast<Smtp*>(self)->sockets_.erase(socket);
  return ::close(socket);
}

CURLcode Smtp::perform(Attempt& attempt) {
  const CurlList recipients(curl_slist_append(nullptr, attempt.parcel.to.c_str()));
  set(handle_, CURLOPT_MAIL_FROM, attempt.parcel.from.c_str());
  set(handle_, CURLOPT_MAIL_RCPT, recipients.get());
  return run(attempt);
}

CURLcode Smtp::run(Attempt& attempt) {
  const auto left =
      std::chrono::ceil<std::chrono::milliseconds>(attempt.deadline - Clock::now()).count();
  set(handle_, CURLOPT_TIMEOUT_MS, static_cast<long>(std::max<decltype(left)>(left, 1)));
  error_.front() = '\0';
  opened_ = false;
  current_ = &attempt;
  const auto code = curl_easy_perform(handle_.get());
  current_ = nullptr;
  // libcurl may keep a connection whose last answer it has not seen, and would take that answer for
  // the next mail's. A socket that is shut down is not used again.
  if (code != CURLE_OK) shut_down(SHUT_RDWR);
  attempt.connected_anew = opened_;
  return code;
}

void Smtp::greet() {
  // Without a mail libcurl sends one command, and this one does nothing.
  set(handle_, CURLOPT_UPLOAD, 0L);
  set(handle_, CURLOPT_NOBODY, 1L);
  set(handle_, CURLOPT_CUSTOMREQUEST, "NOOP");
  const Parcel nothing;
  const std::function<bool()> never = [] { return false; };
  Attempt attempt{nothing, never, Clock::now() + settings_.connect_timeout};
  const auto code = run(attempt);
  if (code == CURLE_OK) return;
  const CurlFailure failure{
      .code = code, .text = error_.front() != '\0' ? error_.data() : curl_easy_strerror(code)};
  const auto trouble = describe_trouble(settings_, failure, attempt.conversation);
  throw InfrastructureError(observe::printable(storable_text(trouble, kMaxReply)));
}

/// A connection that was kept may have been closed by the server meanwhile, with 421 or without a
/// word. Nothing of the mail was sent over it, so it may have another.
bool is_stale(CURLcode code, const Attempt& attempt) {
  const auto answer = attempt.conversation.code();
  return code != CURLE_OK && !attempt.connected_anew && !attempt.given_up &&
         !attempt.conversation.content_began() && (answer < 400 || answer == 421) &&
         Clock::now() < attempt.deadline;
}

Delivery Smtp::outcome(CURLcode code, const Attempt& attempt) const {
  if (attempt.thrown) std::rethrow_exception(attempt.thrown);
  if (attempt.given_up) return {Outcome::kGivenUp, "given up before the mail's content"};
  const CurlFailure failure{
      .code = code, .text = error_.front() != '\0' ? error_.data() : curl_easy_strerror(code)};
  auto delivery =
      attempt.conversation.outcome(describe_trouble(settings_, failure, attempt.conversation));
  delivery.reply = observe::printable(storable_text(delivery.reply, kMaxReply));
  return delivery;
}

Delivery Smtp::deliver(const Parcel& parcel, const std::function<bool()>& may_send) {
  if (!is_usable_address(parcel.to)) return {Outcome::kRefused, "the recipient's address is none"};
  if (!is_usable_address(parcel.from))
    return {Outcome::kUnavailable, "the sender's address is none; look at its address"};
  const auto deadline = Clock::now() + settings_.delivery_timeout;
  const bool kept = !sockets_.empty();
  Attempt attempt{parcel, may_send, deadline};
  auto code = perform(attempt);
  if (!kept || !is_stale(code, attempt)) return outcome(code, attempt);
  Attempt again{parcel, may_send, deadline};
  code = perform(again);
  return outcome(code, again);
}

}  // namespace

std::unique_ptr<Transport> make_smtp(SmtpSettings settings) {
  require_usable(settings);
  return std::make_unique<Smtp>(std::move(settings));
}

std::string try_smtp(SmtpSettings settings) {
  require_usable(settings);
  Smtp(settings).greet();
  const std::string how = settings.security == Security::kNone       ? "not encrypted"
                          : settings.security == Security::kStartTls ? "STARTTLS"
                                                                     : "TLS";
  return server_name(settings) + ": EHLO, " + how +
         (settings.user.empty() ? ", no login" : ", login accepted");
}

}  // namespace kinbox::email
