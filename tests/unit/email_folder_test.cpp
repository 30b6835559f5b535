// Mails that end in a folder.
#include <gmock/gmock.h>
#include <sys/resource.h>

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "kinbox/email/folder_transport.hpp"
#include "kinbox/errors.hpp"
#include "support/temporary_directory.hpp"

namespace kinbox::email {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

bool yes() { return true; }

Parcel parcel(const std::string& id = "<order.o-1.1@example.com>") {
  return {.from = "shop@example.com",
          .to = "zoe@example.org",
          .message = "Subject: a\r\n\r\n.\r\n",
          .id = id};
}

std::vector<std::string> files(const fs::path& folder) {
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(folder))
    names.push_back(entry.path().filename().string());
  std::sort(names.begin(), names.end());
  return names;
}

std::string content(const fs::path& path) {
  std::ostringstream text;
  text << std::ifstream(path, std::ios::binary).rdbuf();
  return text.str();
}

/// A limit of this process, for a while.
class Limit {
 public:
  Limit(int resource, rlim_t value) : resource_(resource) {
    getrlimit(resource_, &before_);
    const rlimit lowered{value, before_.rlim_max};
    setrlimit(resource_, &lowered);
  }
  ~Limit() { setrlimit(resource_, &before_); }

 private:
  const int resource_;
  rlimit before_{};
};

class EmailFolder : public ::testing::Test {
 protected:
  kinbox::testing::TemporaryDirectory directory_;
  const fs::path folder_ = directory_ / "made/on/the/way";
};

TEST_F(EmailFolder, MaildirHasTheMailInNew) {
  const auto transport = make_maildir(folder_);
  const auto delivery = transport->deliver(parcel(), yes);
  EXPECT_EQ(delivery.outcome, Outcome::kAccepted);
  EXPECT_THAT(files(folder_), ElementsAre("cur", "new", "tmp"));
  EXPECT_THAT(files(folder_ / "tmp"), IsEmpty());
  ASSERT_THAT(files(folder_ / "new"), SizeIs(1));
  const auto name = files(folder_ / "new").front();
  EXPECT_EQ(delivery.reply, "written to " + name);
  EXPECT_EQ(content(folder_ / "new" / name), parcel().message);
}

TEST_F(EmailFolder, MaildirShowsASecondDelivery) {
  make_maildir(folder_)->deliver(parcel(), yes);
  make_maildir(folder_)->deliver(parcel(), yes);
  EXPECT_THAT(files(folder_ / "new"), SizeIs(2));
}

TEST_F(EmailFolder, AFilePerMailIsCalledAfterItsMessageId) {
  const auto transport = make_file(folder_);
  EXPECT_EQ(transport->deliver(parcel(), yes).outcome, Outcome::kAccepted);
  EXPECT_EQ(transport->deliver(parcel(), yes).outcome, Outcome::kAccepted);
  EXPECT_THAT(files(folder_), ElementsAre("order.o-1.1@example.com.eml"));
  EXPECT_EQ(content(folder_ / "order.o-1.1@example.com.eml"), parcel().message);
}

TEST_F(EmailFolder, NoMessageIdLeavesTheFolder) {
  const auto transport = make_file(folder_);
  for (const char* id : {"<../../a@b>", "<.a@b>", "<a%2fb@c>", "<a/b@c>"})
    EXPECT_EQ(transport->deliver(parcel(id), yes).outcome, Outcome::kAccepted);
  transport->deliver(parcel('<' + std::string(900, 'a') + "@b>"), yes);
  transport->deliver(parcel('<' + std::string(901, 'a') + "@b>"), yes);
  EXPECT_THAT(files(folder_),
              AllOf(SizeIs(6), ::testing::Contains("%2ea@b.eml"),
                    ::testing::Contains("%2e.%2f..%2fa@b.eml"),
                    ::testing::Contains("a%252fb@c.eml"), ::testing::Contains("a%2fb@c.eml")));
}

TEST_F(EmailFolder, WhoMayNotSendLeavesNothing) {
  for (const auto& make : {make_maildir, make_file}) {
    const auto transport = make(folder_);
    EXPECT_EQ(transport->deliver(parcel(), [] { return false; }).outcome, Outcome::kGivenUp);
    EXPECT_THROW(transport->deliver(parcel(), []() -> bool { throw InfrastructureError("gone"); }),
                 InfrastructureError);
  }
  EXPECT_THAT(files(folder_), ElementsAre("cur", "new", "tmp"));
  EXPECT_THAT(files(folder_ / "tmp"), IsEmpty());
}

TEST_F(EmailFolder, TheMailIsWholeBeforeItMayBeSent) {
  const auto transport = make_maildir(folder_);
  transport->deliver(parcel(), [&] {
    EXPECT_THAT(files(folder_ / "new"), IsEmpty());
    EXPECT_EQ(content(folder_ / "tmp" / files(folder_ / "tmp").front()), parcel().message);
    return true;
  });
}

TEST_F(EmailFolder, AFolderThatWentIsUnavailable) {
  const auto transport = make_maildir(folder_);
  fs::remove_all(folder_ / "tmp");
  auto delivery = transport->deliver(parcel(), yes);
  EXPECT_EQ(delivery.outcome, Outcome::kUnavailable);
  EXPECT_THAT(delivery.reply, AllOf(HasSubstr(folder_.string()), HasSubstr("No such file")));
  fs::create_directory(folder_ / "tmp");
  fs::remove_all(folder_ / "new");
  delivery = transport->deliver(parcel(), yes);
  EXPECT_EQ(delivery.outcome, Outcome::kUnavailable);
  EXPECT_THAT(files(folder_ / "tmp"), IsEmpty());
}

TEST_F(EmailFolder, AMailThatCannotBeWrittenLeavesNothing) {
  const auto transport = make_maildir(folder_);
  const auto before = signal(SIGXFSZ, SIG_IGN);
  Delivery delivery;
  {
    const Limit limit(RLIMIT_FSIZE, 5);
    delivery = transport->deliver(parcel(), yes);
  }
  signal(SIGXFSZ, before);
  EXPECT_EQ(delivery.outcome, Outcome::kUnavailable);
  EXPECT_THAT(delivery.reply, HasSubstr("File too large"));
  EXPECT_THAT(files(folder_ / "tmp"), IsEmpty());
}

TEST_F(EmailFolder, AMailWhoseNameMayNotLastIsUnknown) {
  const auto transport = make_maildir(folder_);
  std::optional<Limit> limit;
  const auto delivery = transport->deliver(parcel(), [&] {
    // No descriptor is left for syncing the folder.
    limit.emplace(RLIMIT_NOFILE, 0);
    return true;
  });
  limit.reset();
  EXPECT_EQ(delivery.outcome, Outcome::kUnknown);
  EXPECT_THAT(files(folder_ / "new"), SizeIs(1));
}

TEST_F(EmailFolder, WhatIsNoFolderIsRefusedAtStart) {
  std::ofstream(directory_ / "file") << "x";
  for (const auto& make : {make_maildir, make_file}) try {
      make(directory_ / "file");
      ADD_FAILURE();
    } catch (const ConfigurationError& error) {
      EXPECT_THAT(error.what(), HasSubstr((directory_ / "file").string()));
    }
}

}  // namespace
}  // namespace kinbox::email
