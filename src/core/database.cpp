#include "kinbox/database.hpp"

#include <poll.h>

namespace kinbox {

bool Database::wait_for_outbox(int interrupt, std::chrono::milliseconds timeout) {
  pollfd entry{interrupt, POLLIN, 0};
  poll(&entry, 1, static_cast<int>(timeout.count()));
  return false;
}

Database::GivenBack Database::give_back(std::size_t) { return GivenBack::kAll; }

}  // namespace kinbox
