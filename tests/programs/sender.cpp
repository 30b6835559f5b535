// An e-mail sender that does something to itself at a moment between its database and its server.
//
//   sender NAME=VALUE...
//     sqlite=PATH | postgres=URI schema=NAME         where mails come from
//     post=FILE                                      its server: the Message-ID of each content it
//         was handed, a line each
//     step=claimed|written|content|accepted|marked at=N signal=KILL|STOP   what it does to itself,
//         and when: with a row under its lease, with the letter written, when the content may go,
//         with the server's answer, and when that is written down
//     on_unknown=resend|hold delivery_ms=N
//
// Prints "step NAME" before the signal, "done" at the end, which SIGTERM brings.
#include "kinbox/email/sender.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cstdio>
#include <thread>

#include "kinbox/testing/fault_database.hpp"
#include "programs/victim.hpp"

namespace {

using kinbox::email::Delivery;
using kinbox::email::Outcome;
using kinbox::testing::Arguments;
using kinbox::testing::FaultPoint;
using kinbox::testing::Suicide;

class Steps : public kinbox::Observer, public Suicide {
 public:
  using Suicide::Suicide;

  /// Of one thread and with mails enough, each mail is three transactions, and the first takes it.
  void committed() {
    if (commits_++ % 3 == 0) at("claimed");
  }

  void on_notice(const kinbox::Notice& notice) override {
    if (std::holds_alternative<kinbox::notice::MailSent>(notice)) at("marked");
    if (const auto* away = std::get_if<kinbox::notice::Unavailable>(&notice))
      std::fprintf(stderr, "unavailable: %s\n", away->what.c_str());
  }

 private:
  int commits_ = 0;
};

class Post : public kinbox::email::Transport {
 public:
  Post(const std::string& file, Suicide& suicide)
      : file_(open(file.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600)),
        suicide_(suicide) {}
  ~Post() override { close(file_); }

  Delivery deliver(const kinbox::email::Parcel& parcel,
                   const std::function<bool()>& may_send) override {
    suicide_.at("written");
    if (!may_send()) return {Outcome::kGivenUp, "given up"};
    suicide_.at("content");
    const auto line = parcel.id + '\n';
    if (write(file_, line.data(), line.size()) != static_cast<ssize_t>(line.size()))
      return {Outcome::kDeferred, "450 cannot write"};
    suicide_.at("accepted");
    return {Outcome::kAccepted, "250 written"};
  }

 private:
  int file_;
  Suicide& suicide_;
};

}  // namespace

int main(int argc, char** argv) {
  const Arguments arguments(argc, argv, 1);
  const kinbox::testing::Termination termination;
  Steps suicide(arguments);
  const bool holds = arguments.text("on_unknown") == "hold";
  kinbox::email::EmailSender sender(
      [&] {
        return kinbox::testing::with_faults(kinbox::testing::connect(arguments),
                                            [&](FaultPoint at) {
                                              if (at == FaultPoint::kAfterCommit)
                                                suicide.committed();
                                            });
      },
      [&] { return std::make_unique<Post>(arguments.text("post"), suicide); },
      kinbox::email::Templates(
          std::vector<kinbox::email::TemplateFile>{{"order_confirmation.subject.txt", "Order"},
                                                   {"order_confirmation.text.txt", "Thank you."}}),
      {.from = {.address = "shop@shop.example"},
       .delivery_timeout = std::chrono::milliseconds{arguments.number("delivery_ms", 300)},
       .on_unknown = holds ? kinbox::email::OnUnknown::kHold : kinbox::email::OnUnknown::kResend,
       .idle_poll = std::chrono::milliseconds{50},
       .target = "file:" + arguments.text("post")},
      suicide);
  {
    std::jthread loop([&](std::stop_token stop) { sender.run(std::move(stop)); });
    termination.wait();
  }
  std::printf("done\n");
}
