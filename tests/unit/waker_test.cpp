#include "core/waker.hpp"

#include <gtest/gtest.h>
#include <poll.h>

namespace kinbox {
namespace {

bool readable(int fd) {
  pollfd entry{fd, POLLIN, 0};
  return poll(&entry, 1, 0) == 1;
}

TEST(Waker, RemembersThatSomebodyCalled) {
  Waker waker;
  EXPECT_FALSE(readable(waker.fd()));
  EXPECT_FALSE(waker.rest());
  waker.wake();
  waker.wake();
  EXPECT_TRUE(readable(waker.fd()));
  EXPECT_TRUE(waker.rest());
  EXPECT_FALSE(readable(waker.fd()));
  EXPECT_FALSE(waker.rest());
}

}  // namespace
}  // namespace kinbox
