#pragma once

#include <functional>
#include <string>

namespace kinbox::email {

/// A mail on its way: the envelope, and what is in it.
struct Parcel {
  /// Envelope addresses, without names and angle brackets.
  std::string from;
  std::string to;
  /// compose()'s.
  std::string message;
  /// Its Message-ID.
  std::string id;
};

enum class Outcome {
  /// The other side has it, and has said so.
  kAccepted,
  /// Not now (4xx): this mail may be tried again.
  kDeferred,
  /// Never (5xx): this mail.
  kRefused,
  /// The server is away, refuses the login, is not who it should be: not this mail's fault, and
  /// nothing of it was sent that could arrive.
  kUnavailable,
  /// All of the mail may have been handed over, and the answer was lost: it may arrive or not.
  kUnknown,
  /// `may_send` said no: nothing was sent.
  kGivenUp,
};

struct Delivery {
  Outcome outcome = Outcome::kUnavailable;
  /// The server's words with their code ("550 5.1.1 no such user"), or what went wrong and what to
  /// look at. Printable, one line.
  std::string reply = {};
};

/// Takes mails away: to a server, or into a folder. One instance belongs to one thread, and keeps
/// its connection between calls.
class Transport {
 public:
  virtual ~Transport();

  /// Delivers one mail and says what became of it. Never takes longer than the deadlines of its
  /// settings. `may_send` is asked once, right before the first byte of the content goes: what it
  /// throws comes out of here, and nothing was sent.
  virtual Delivery deliver(const Parcel& parcel, const std::function<bool()>& may_send) = 0;
};

}  // namespace kinbox::email
