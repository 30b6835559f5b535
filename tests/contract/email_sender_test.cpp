// The e-mail sender over a scripted mail server, on both databases.
#include <gmock/gmock.h>

#include <atomic>
#include <thread>

#include "kinbox/email/sender.hpp"
#include "kinbox/email_outbox.hpp"
#include "kinbox/errors.hpp"
#include "kinbox/testing/fault_database.hpp"
#include "support/eventually.hpp"
#include "support/recording_observer.hpp"
#include "support/scripted_transport.hpp"
#include "support/test_database.hpp"

namespace kinbox::testing {
namespace {

using email::Delivery;
using email::EmailSender;
using email::OnUnknown;
using email::Outcome;
using email::Parcel;
using email::SenderOptions;
using std::chrono::milliseconds;
using ::testing::AllOf;
using ::testing::Contains;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::Pair;
using ::testing::SizeIs;

using MaySend = ScriptedPost::MaySend;

constexpr milliseconds kForEver = std::chrono::hours{1};
constexpr const char* kPast = "'2000-01-01T00:00:00Z'";

email::Templates templates() {
  return email::Templates(std::vector<email::TemplateFile>{
      {"order_confirmation.subject.txt", "Order {{orderNumber}}"},
      {"order_confirmation.text.txt", "We have your order {{orderNumber}}."}});
}

std::string id_of(int order) {
  return "<order_confirmation.o-" + std::to_string(order) + ".1@shop.example>";
}

class SenderContract : public DatabaseContract {
 protected:
  /// Mails "o-N" that are due, the next `count` of them.
  void hand_over(int count = 1) {
    const auto tx = database().begin();
    for (int i = 0; i < count; ++i) enqueue(*tx, ++orders_);
    tx->commit();
  }

  void enqueue(Transaction& tx, int order, const std::string& type = "order_confirmation",
               const std::string& number = "\"77\"") {
    EmailOutbox(database().dialect(), "shop.example")
        .enqueue(tx, {.type = type,
                      .order_id = "o-" + std::to_string(order),
                      .recipient = "zoe@example.com",
                      .payload = R"({"orderNumber": )" + number + "}"});
  }

  static SenderOptions options() {
    return {.from = {.name = "Shop", .address = "shop@shop.example"},
            .delivery_timeout = kForEver,
            .retry = {.max_attempts = 20, .first_delay = kForEver, .max_delay = kForEver},
            .target = "scripted:"};
  }
  static SenderOptions holding() {
    auto made = options();
    made.on_unknown = OnUnknown::kHold;
    return made;
  }

  /// With a connection of its own, which strikes as `faults` says.
  std::unique_ptr<EmailSender> sender(SenderOptions settings = options(), FaultPlan faults = {}) {
    auto factory = [this, faults] {
      auto connection = connect();
      return faults ? with_faults(std::move(connection), faults) : std::move(connection);
    };
    return std::make_unique<EmailSender>(factory, post.transports(), templates(),
                                         std::move(settings), observer);
  }

  static Delivery answer(Outcome outcome, const std::string& reply) { return {outcome, reply}; }

  /// Every delivery ends so, before its content if it may be, else behind it.
  void answer_all(Outcome outcome, const std::string& reply) {
    post.script([this, outcome, reply](const Parcel& parcel, const MaySend& may_send) {
      if (outcome != Outcome::kUnavailable) post.take(parcel, may_send);
      return answer(outcome, reply);
    });
  }

  std::string text(const std::string& column, int order = 1) {
    const auto tx = database().begin();
    const auto rows =
        tx->query(database().dialect().render(
                      "SELECT CAST(" + column +
                      " AS text) AS it FROM {kinbox}.email_outbox WHERE order_id = $1"),
                  "o-" + std::to_string(order));
    return rows.empty() ? "no row" : rows[0].get<std::optional<std::string>>("it").value_or("NULL");
  }
  std::string state(int order = 1) { return text("state", order); }

  std::int64_t count(const std::string& which) {
    return number("SELECT count(*) FROM {kinbox}.email_outbox WHERE " + which);
  }

  void set(const std::string& assignments) {
    script("UPDATE {kinbox}.email_outbox SET " + assignments);
  }
  /// What waits for its time waits no more.
  void make_due() { set("next_attempt_at = " + std::string(kPast)); }
  void end_leases() {
    script("UPDATE {kinbox}.email_outbox SET lease_until = " + std::string(kPast) +
           " WHERE lease_until IS NOT NULL");
  }

  /// Until the sender ends, which it is told when the test does.
  std::jthread run(EmailSender& which) {
    return std::jthread([&which](std::stop_token stop) { which.run(std::move(stop)); });
  }

  ScriptedPost post;
  RecordingObserver observer;
  int orders_ = 0;
};
KINBOX_FOR_ALL_DATABASES(SenderContract);

TEST_P(SenderContract, ADueMailIsSentOnce) {
  hand_over();
  const auto it = sender();
  EXPECT_EQ(it->run_once(), 1U);
  EXPECT_EQ(it->run_once(), 0U);
  ASSERT_THAT(post.contents(), SizeIs(1));
  const auto parcel = post.contents()[0];
  EXPECT_EQ(parcel.from, "shop@shop.example");
  EXPECT_EQ(parcel.to, "zoe@example.com");
  EXPECT_EQ(parcel.id, id_of(1));
  EXPECT_THAT(parcel.message,
              AllOf(HasSubstr("Message-ID: " + id_of(1)), HasSubstr("Subject: Order 77"),
                    HasSubstr("From: Shop <shop@shop.example>"), HasSubstr("your order 77.")));
  EXPECT_EQ(state(), "sent");
  EXPECT_EQ(text("attempts"), "1");
  EXPECT_EQ(text("provider_reply"), "250 2.0.0 queued");
  EXPECT_NE(text("sent_at"), "NULL");
  EXPECT_EQ(text("lease_until"), "NULL");
  ASSERT_THAT(observer.notices<notice::MailSent>(), SizeIs(1));
  EXPECT_EQ(observer.notices<notice::MailSent>()[0].mail.message_id, id_of(1));
}

TEST_P(SenderContract, ACopyOfAMailIsTheSameToTheByte) {
  hand_over();
  answer_all(Outcome::kUnknown, "no answer");
  const auto it = sender();
  it->run_once();
  make_due();
  it->run_once();
  ASSERT_THAT(post.contents(), SizeIs(2));
  EXPECT_EQ(post.contents()[0].message, post.contents()[1].message);
}

TEST_P(SenderContract, WhatWasSentIsNotSentForAReplay) {
  hand_over();
  const auto it = sender();
  it->run_once();
  orders_ = 0;
  hand_over();
  EXPECT_EQ(it->run_once(), 0U);
  EXPECT_EQ(count("true"), 1);
}

TEST_P(SenderContract, ARowIsSendingAndCommittedBeforeItsContentGoes) {
  hand_over();
  std::string before;
  std::string behind;
  post.script([&](const Parcel& parcel, const MaySend& may_send) {
    before = state();
    const auto delivery = post.accept(parcel, may_send);
    behind = state();
    return delivery;
  });
  sender()->run_once();
  EXPECT_EQ(before, "pending") << "killed here, it would simply be taken again";
  EXPECT_EQ(behind, "sending");
}

TEST_P(SenderContract, AMailThatIsNotWantedNowIsTriedAgainLater) {
  hand_over(2);
  post.script([&](const Parcel& parcel, const MaySend& may_send) {
    if (parcel.id == id_of(1)) return answer(Outcome::kDeferred, "450 4.2.0 greylisted");
    return post.accept(parcel, may_send);
  });
  const auto it = sender();
  EXPECT_EQ(it->run_once(), 2U) << "the other one does not wait for it";
  EXPECT_EQ(state(1), "pending");
  EXPECT_EQ(text("attempts", 1), "1");
  EXPECT_EQ(text("last_error", 1), "450 4.2.0 greylisted");
  EXPECT_EQ(state(2), "sent");
  ASSERT_THAT(observer.notices<notice::MailDeferred>(), SizeIs(1));
  post.script({});
  make_due();
  EXPECT_EQ(it->run_once(), 1U);
  EXPECT_EQ(state(1), "sent");
  EXPECT_EQ(text("last_error", 1), "");
}

TEST_P(SenderContract, ADeferredMailWaitsForItsBackoff) {
  hand_over();
  answer_all(Outcome::kDeferred, "450 later");
  const auto it = sender();
  it->run_once();
  // Drawn from an hour.
  EXPECT_EQ(it->run_once(), 0U);
  EXPECT_EQ(text("attempts"), "1");
}

TEST_P(SenderContract, DeferralsEndWithTheServersWords) {
  hand_over();
  answer_all(Outcome::kDeferred, "452 mailbox full");
  auto settings = options();
  settings.retry.max_attempts = 3;
  const auto it = sender(settings);
  for (int i = 0; i < 4; ++i) {
    make_due();
    it->run_once();
  }
  EXPECT_EQ(state(), "failed");
  EXPECT_EQ(text("attempts"), "3");
  EXPECT_EQ(text("last_error"), "given up after 3 attempts: 452 mailbox full");
}

TEST_P(SenderContract, ARefusedMailFailsWithTheServersWordsAndStopsNoOther) {
  hand_over(3);
  post.script([&](const Parcel& parcel, const MaySend& may_send) {
    if (parcel.id == id_of(2))
      return answer(Outcome::kRefused, "550 5.1.1 <zoe@example.com> no such user");
    return post.accept(parcel, may_send);
  });
  EXPECT_EQ(sender()->run_once(), 3U);
  EXPECT_EQ(state(1), "sent");
  EXPECT_EQ(state(2), "failed");
  EXPECT_EQ(text("provider_reply", 2), "550 5.1.1 <zoe@example.com> no such user");
  EXPECT_EQ(state(3), "sent");
  const auto failures = observer.notices<notice::MailFailed>();
  ASSERT_THAT(failures, SizeIs(1));
  EXPECT_THAT(failures[0].why, HasSubstr("<(the recipient)> no such user"));
}

TEST_P(SenderContract, AMailThatCannotBeWrittenFailsWithTheReasonAndStopsNoOther) {
  {
    const auto tx = database().begin();
    enqueue(*tx, 1, "order_lost");
    enqueue(*tx, 2, "order_confirmation", "null");
    enqueue(*tx, 3, "order_confirmation", R"("7\r\nBcc: x@y.z")");
    enqueue(*tx, 4);
    tx->commit();
  }
  EXPECT_EQ(sender()->run_once(), 4U);
  for (const int order : {1, 2, 3}) EXPECT_EQ(state(order), "failed") << order;
  EXPECT_THAT(text("last_error", 1), HasSubstr("unknown_template"));
  EXPECT_THAT(text("last_error", 2), HasSubstr("template_field_missing"));
  EXPECT_THAT(text("last_error", 3), HasSubstr("header_injection"));
  EXPECT_EQ(state(4), "sent");
  EXPECT_THAT(observer.notices<notice::MailFailed>(), SizeIs(3));
}

TEST_P(SenderContract, AServerThatIsAwayCostsNoMailAnything) {
  hand_over(2);
  answer_all(Outcome::kUnavailable, "connection refused");
  const auto it = sender();
  EXPECT_EQ(it->run_once(), 0U);
  EXPECT_EQ(count("state = 'pending' AND attempts = 0"), 2);
  EXPECT_EQ(count("last_error = 'connection refused'"), 1) << "the sender waits as a whole";
  EXPECT_THAT(observer.notices<notice::Unavailable>(), SizeIs(1));
  EXPECT_EQ(it->run_once(), 0U) << "not before the pause is over";
  post.script({});
  make_due();
  ASSERT_TRUE(eventually([&] { return it->run_once() > 0; }));
  EXPECT_EQ(count("state = 'sent'"), 2);
  EXPECT_THAT(observer.notices<notice::Available>(), SizeIs(1));
}

TEST_P(SenderContract, WhileItRunsARowSaysSoAndWhatKeepsItFromSending) {
  const auto senders = [&](const std::string& which) {
    return number("SELECT count(*) FROM {kinbox}.email_senders WHERE target = 'scripted:' AND " +
                  which);
  };
  hand_over();
  std::atomic<bool> away{true};
  post.script([&](const Parcel& parcel, const MaySend& may_send) {
    if (away) return answer(Outcome::kUnavailable, "connection refused");
    return post.accept(parcel, may_send);
  });
  const auto it = sender();
  {
    const auto loop = run(*it);
    ASSERT_TRUE(eventually([&] { return senders("trouble = 'connection refused'") == 1; }));
    away = false;
    ASSERT_TRUE(eventually([&] { return senders("trouble = ''") == 1; }));
  }
  EXPECT_EQ(senders("1 = 1"), 0);
  hand_over();
  it->run_once();
  EXPECT_EQ(senders("1 = 1"), 0) << "once is no work that goes on";
}

TEST_P(SenderContract, WhatIsUnknownIsSentAgainUnderItsName) {
  hand_over();
  answer_all(Outcome::kUnknown, "the connection broke behind the content");
  const auto it = sender();
  EXPECT_EQ(it->run_once(), 1U);
  EXPECT_EQ(state(), "unknown");
  EXPECT_EQ(text("last_error"), "the connection broke behind the content");
  ASSERT_THAT(observer.notices<notice::MailUnknown>(), SizeIs(1));
  EXPECT_FALSE(observer.notices<notice::MailUnknown>()[0].held);
  post.script({});
  make_due();
  EXPECT_EQ(it->run_once(), 1U);
  EXPECT_EQ(state(), "sent");
  EXPECT_THAT(post.copies(), ElementsAre(Pair(id_of(1), 2)));
}

TEST_P(SenderContract, WhatIsUnknownIsHeldWhereToldTo) {
  hand_over();
  answer_all(Outcome::kUnknown, "no answer");
  const auto it = sender(holding());
  it->run_once();
  make_due();
  EXPECT_EQ(it->run_once(), 0U);
  EXPECT_EQ(state(), "unknown");
  EXPECT_THAT(post.copies(), ElementsAre(Pair(id_of(1), 1)));
  ASSERT_THAT(observer.notices<notice::MailUnknown>(), SizeIs(1));
  EXPECT_TRUE(observer.notices<notice::MailUnknown>()[0].held);
}

TEST_P(SenderContract, AServerThatNeverAnswersGetsNoEndlessCopies) {
  hand_over();
  answer_all(Outcome::kUnknown, "no answer");
  auto settings = options();
  settings.retry.max_attempts = 3;
  const auto it = sender(settings);
  for (int i = 0; i < 6; ++i) {
    make_due();
    it->run_once();
  }
  EXPECT_EQ(state(), "unknown");
  EXPECT_THAT(post.copies(), ElementsAre(Pair(id_of(1), 3)));
  EXPECT_TRUE(observer.notices<notice::MailUnknown>().back().held);
}

TEST_P(SenderContract, ALeaseThatEndsBeforeTheContentSendsNothing) {
  hand_over();
  std::vector<Outcome> outcomes;
  post.script([&](const Parcel& parcel, const MaySend& may_send) {
    if (outcomes.empty()) end_leases();
    const auto delivery = post.accept(parcel, may_send);
    outcomes.push_back(delivery.outcome);
    return delivery;
  });
  EXPECT_EQ(sender()->run_once(), 1U);
  EXPECT_THAT(outcomes, ElementsAre(Outcome::kGivenUp, Outcome::kAccepted)) << "it was given back";
  EXPECT_EQ(state(), "sent");
  EXPECT_EQ(text("attempts"), "1") << "giving it back was none";
}

TEST_P(SenderContract, ARowThatAnotherSenderHasIsLeftAlone) {
  hand_over();
  const auto other = sender();
  post.script([&, first = true](const Parcel& parcel, const MaySend& may_send) mutable {
    if (std::exchange(first, false)) {
      end_leases();
      EXPECT_EQ(other->run_once(), 1U) << "it takes the row over and sends it";
    }
    return post.accept(parcel, may_send);
  });
  EXPECT_EQ(sender()->run_once(), 0U);
  EXPECT_EQ(state(), "sent");
  EXPECT_THAT(post.copies(), ElementsAre(Pair(id_of(1), 1)));
  EXPECT_THAT(observer.notices<notice::MailUnknown>(), IsEmpty());
}

TEST_P(SenderContract, ASenderThatVanishedBehindTheContentLeavesAMailOfUnknownFate) {
  hand_over();
  post.script([&](const Parcel& parcel, const MaySend& may_send) -> Delivery {
    post.take(parcel, may_send);
    throw std::runtime_error("as if killed");
  });
  EXPECT_THROW(sender(holding())->run_once(), std::runtime_error);
  EXPECT_EQ(state(), "sending");
  const auto heir = sender(holding());
  heir->run_once();
  EXPECT_EQ(state(), "sending") << "its lease is not over yet";
  end_leases();
  heir->run_once();
  EXPECT_EQ(state(), "unknown");
  EXPECT_EQ(text("attempts"), "1");
  EXPECT_THAT(text("last_error"), HasSubstr("lost its lease"));
  ASSERT_THAT(observer.notices<notice::MailUnknown>(), SizeIs(1));
  EXPECT_TRUE(observer.notices<notice::MailUnknown>()[0].held);
  heir->run_once();
  EXPECT_THAT(post.copies(), ElementsAre(Pair(id_of(1), 1)));
}

TEST_P(SenderContract, OrItIsSentAgainAtOnce) {
  hand_over();
  post.script([&](const Parcel& parcel, const MaySend& may_send) -> Delivery {
    post.take(parcel, may_send);
    throw std::runtime_error("as if killed");
  });
  EXPECT_THROW(sender()->run_once(), std::runtime_error);
  end_leases();
  post.script({});
  EXPECT_EQ(sender()->run_once(), 1U);
  EXPECT_EQ(state(), "sent");
  EXPECT_EQ(text("attempts"), "2");
  EXPECT_THAT(post.copies(), ElementsAre(Pair(id_of(1), 2)));
}

TEST_P(SenderContract, ASenderThatComesBackAndKnowsMaySaySo) {
  hand_over();
  const auto other = sender(holding());
  post.script([&](const Parcel& parcel, const MaySend& may_send) {
    const auto delivery = post.accept(parcel, may_send);
    end_leases();
    other->run_once();
    EXPECT_EQ(state(), "unknown");
    return delivery;
  });
  EXPECT_EQ(sender(holding())->run_once(), 1U);
  EXPECT_EQ(state(), "sent");
}

TEST_P(SenderContract, AMarkThatComesTooLateLeavesTheRowToItsNewOwner) {
  hand_over();
  const auto other = sender();
  std::string meanwhile;
  post.script([&, first = true](const Parcel& parcel, const MaySend& may_send) mutable {
    const auto delivery = post.accept(parcel, may_send);
    if (std::exchange(first, false)) {
      end_leases();
      other->run_once();
      meanwhile = text("lease_token");
    }
    return delivery;
  });
  sender()->run_once();
  EXPECT_EQ(state(), "sent");
  EXPECT_EQ(text("lease_token"), meanwhile);
  EXPECT_THAT(post.copies(), ElementsAre(Pair(id_of(1), 2)));
  const auto unknown = observer.notices<notice::MailUnknown>();
  ASSERT_THAT(unknown, SizeIs(2)) << "who took it over, and who came too late";
  EXPECT_THAT(unknown[1].why, HasSubstr("before the server's answer was written down"));
}

TEST_P(SenderContract, ADiscardedRowIsNotSentEvenIfItIsInHand) {
  hand_over();
  post.script([&](const Parcel& parcel, const MaySend& may_send) {
    set("state = 'discarded', lease_token = ''");
    return post.accept(parcel, may_send);
  });
  EXPECT_EQ(sender()->run_once(), 0U);
  EXPECT_EQ(state(), "discarded");
  EXPECT_THAT(post.contents(), IsEmpty());
}

TEST_P(SenderContract, TwoSendersTakeDifferentRows) {
  hand_over(2);
  const auto other = sender();
  post.script([&, first = true](const Parcel& parcel, const MaySend& may_send) mutable {
    if (std::exchange(first, false)) {
      EXPECT_EQ(other->run_once(), 1U);
    }
    return post.accept(parcel, may_send);
  });
  EXPECT_EQ(sender()->run_once(), 1U);
  EXPECT_THAT(post.copies(), ElementsAre(Pair(id_of(1), 1), Pair(id_of(2), 1)));
}

TEST_P(SenderContract, TenSendersSendEachMailOnceWhenNothingFails) {
  constexpr int kMails = 200;
  auto settings = options();
  settings.threads = 5;
  const auto first = sender(settings);
  const auto second = sender(settings);
  {
    const auto one = run(*first);
    const auto two = run(*second);
    for (int i = 0; i < kMails / 20; ++i) hand_over(20);
    ASSERT_TRUE(eventually([&] { return count("state = 'sent'") == kMails; }));
  }
  EXPECT_THAT(post.copies(), SizeIs(kMails));
  EXPECT_THAT(post.copies(), Each(Pair(::testing::_, 1)));
  EXPECT_THAT(observer.notices<notice::MailUnknown>(), IsEmpty());
  EXPECT_EQ(number("SELECT count(*) FROM {kinbox}.email_senders"), 0) << "they took their leave";
}

TEST_P(SenderContract, IsWokenByWhoeverHandsMailsOver) {
  auto settings = options();
  settings.idle_poll = kForEver;
  const auto it = sender(settings);
  const auto loop = run(*it);
  ASSERT_TRUE(eventually([&] {
    return number("SELECT count(*) FROM {kinbox}.email_senders") == 1;
  })) << "it has looked once and rests";
  for (int order = 1; order <= 5; ++order) {
    hand_over();
    if (is_sqlite()) it->wake();
    ASSERT_TRUE(eventually([&] { return state(order) == "sent"; }));
  }
}

TEST_P(SenderContract, StoppedBeforeTheContentItGivesTheMailBack) {
  hand_over();
  std::stop_source stop;
  post.script([&](const Parcel& parcel, const MaySend& may_send) {
    stop.request_stop();
    return post.accept(parcel, may_send);
  });
  sender()->run(stop.get_token());
  EXPECT_EQ(state(), "pending");
  EXPECT_EQ(text("lease_until"), "NULL") << "nobody has to wait for it";
  EXPECT_THAT(post.contents(), IsEmpty());
}

TEST_P(SenderContract, StoppedBehindItItFinishesTheMail) {
  hand_over(2);
  std::stop_source stop;
  post.script([&](const Parcel& parcel, const MaySend& may_send) {
    auto delivery = post.accept(parcel, may_send);
    stop.request_stop();
    return delivery;
  });
  sender()->run(stop.get_token());
  EXPECT_EQ(state(1), "sent");
  EXPECT_EQ(state(2), "pending");
  EXPECT_EQ(number("SELECT count(*) FROM {kinbox}.email_senders"), 0);
}

TEST_P(SenderContract, ADatabaseThatGoesBeforeTheContentCostsNothing) {
  for (const auto point : {FaultPoint::kBegin, FaultPoint::kStatement, FaultPoint::kBeforeCommit,
                           FaultPoint::kAfterCommit}) {
    hand_over();
    bool armed = false;
    const auto it = sender(holding(), [&](FaultPoint at) {
      if (armed && at == point && std::exchange(armed, false))
        throw InfrastructureError("the database is away");
    });
    post.script([&](const Parcel& parcel, const MaySend& may_send) {
      armed = true;
      return post.accept(parcel, may_send);
    });
    EXPECT_THROW(it->run_once(), InfrastructureError);
    EXPECT_THAT(post.copies(), Not(Contains(Pair(id_of(orders_), ::testing::_))));
    post.script({});
    EXPECT_EQ(it->run_once(), 1U) << "it is given back first";
    EXPECT_EQ(state(orders_), "sent");
    EXPECT_EQ(text("attempts", orders_), "1");
  }
  EXPECT_THAT(post.copies(), AllOf(SizeIs(4), Each(Pair(::testing::_, 1))));
}

TEST_P(SenderContract, ADatabaseThatGoesBehindTheContentIsToldLater) {
  for (const auto point : {FaultPoint::kBegin, FaultPoint::kStatement, FaultPoint::kBeforeCommit,
                           FaultPoint::kAfterCommit}) {
    hand_over();
    bool armed = false;
    const auto it = sender(options(), [&](FaultPoint at) {
      if (armed && at == point && std::exchange(armed, false))
        throw InfrastructureError("the database is away");
    });
    post.script([&](const Parcel& parcel, const MaySend& may_send) {
      const auto delivery = post.accept(parcel, may_send);
      armed = true;
      return delivery;
    });
    EXPECT_THROW(it->run_once(), InfrastructureError);
    post.script({});
    EXPECT_EQ(it->run_once(), 0U);
    EXPECT_EQ(state(orders_), "sent");
    EXPECT_EQ(text("attempts", orders_), "1");
  }
  EXPECT_THAT(post.copies(), AllOf(SizeIs(4), Each(Pair(::testing::_, 1))));
  EXPECT_THAT(observer.notices<notice::MailUnknown>(), IsEmpty());
}

TEST_P(SenderContract, AnOutageOfTheDatabaseIsWaitedOut) {
  hand_over();
  std::atomic<int> failures{2};
  const auto it = sender(options(), [&](FaultPoint at) {
    if (at == FaultPoint::kBegin && failures-- > 0)
      throw InfrastructureError("the database is away");
  });
  const auto loop = run(*it);
  ASSERT_TRUE(eventually([&] { return state() == "sent"; }));
  EXPECT_THAT(observer.notices<notice::Unavailable>(), SizeIs(2));
}

TEST_P(SenderContract, AFaultOfTheProgramEndsAllItsThreads) {
  hand_over();
  auto settings = options();
  settings.threads = 3;
  post.script([](const Parcel&, const MaySend&) -> Delivery {
    throw std::logic_error("a transport that is broken");
  });
  EXPECT_THROW(sender(settings)->run({}), std::logic_error);
}

TEST_P(SenderContract, OptionsThatCannotWorkAreRefused) {
  const auto refusal = [&](auto change) {
    auto settings = options();
    change(settings);
    try {
      sender(settings);
    } catch (const ConfigurationError& e) {
      return std::string(e.what());
    }
    return std::string("(accepted)");
  };
  EXPECT_THAT(refusal([](auto& o) { o.from.address = "shop"; }), HasSubstr("\"from\""));
  EXPECT_THAT(refusal([](auto& o) { o.reply_to = email::Mailbox{}; }), HasSubstr("\"reply_to\""));
  EXPECT_THAT(refusal([](auto& o) { o.threads = 0; }), HasSubstr("thread"));
  EXPECT_THAT(refusal([](auto& o) { o.rate = -1; }), HasSubstr("rate"));
  EXPECT_THAT(refusal([](auto& o) { o.delivery_timeout = milliseconds{0}; }),
              HasSubstr("delivery timeout"));
  EXPECT_THAT(refusal([](auto& o) { o.retry.max_attempts = 0; }), HasSubstr("max_attempts"));
}

class SenderOnPostgres : public SenderContract {};
KINBOX_FOR_POSTGRES(SenderOnPostgres);

TEST_P(SenderOnPostgres, AMailWhoseTransactionCommitsLateIsNotSkipped) {
  const auto late_connection = connect();
  const auto late = late_connection->begin();
  enqueue(*late, ++orders_);
  late->flush();
  hand_over(2);
  const auto it = sender();
  EXPECT_EQ(it->run_once(), 2U);
  EXPECT_EQ(state(1), "no row");
  late->commit();
  EXPECT_EQ(it->run_once(), 1U);
  EXPECT_EQ(state(1), "sent");
}

}  // namespace
}  // namespace kinbox::testing
