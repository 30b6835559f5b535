// kinbox with a handler that ends its process, or never comes back, at events whose ids begin with:
//   segv     writes through a null pointer
//   abort    a broken invariant
//   memory   needs more than a limit of address space, where nobody may throw
//   loop     computes for ever
//   sick     fails while FATAL_MOOD is "frail" in the environment, writes through a null pointer
//            while it is "fatal", is fine otherwise
//   frail    fails while FATAL_MOOD is "frail", is fine otherwise
//   refused  can never be handled while FATAL_MOOD is "refusing", is fine otherwise
// Every event inserts a row (event_id) into the table `effects` of kinbox's schema before.
#include <sys/resource.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <fstream>
#include <stdexcept>
#include <string_view>
#include <vector>

#include "kinbox/cli/main.hpp"
#include "kinbox/errors.hpp"
#include "programs/victim.hpp"

namespace {

volatile int* nowhere = nullptr;
volatile std::size_t turns = 0;

void limit(int resource, rlim_t bytes) {
  const rlimit both{bytes, bytes};
  setrlimit(resource, &both);
}

rlim_t address_space() {
  rlim_t pages = 0;
  std::ifstream("/proc/self/statm") >> pages;
  return pages * static_cast<rlim_t>(sysconf(_SC_PAGESIZE));
}

/// Sanitizers, which would tell of it and exit, are not to notice.
[[gnu::no_sanitize("undefined", "address")]] void write_through_null() {
  std::signal(SIGSEGV, SIG_DFL);
  *nowhere = 1;
}

/// As in a destructor, a callback of C, a thread of the handler's own: what is thrown ends it.
void take_all_memory() noexcept {
  limit(RLIMIT_AS, address_space() + (rlim_t{128} << 20));
  std::vector<std::vector<char>> all;
  for (;;) all.emplace_back(std::size_t{1} << 20, 'x');
}

bool in_mood(std::string_view mood) {
  const auto* const value = std::getenv("FATAL_MOOD");
  return value != nullptr && mood == value;
}

class Fatal : public kinbox::testing::InsertEffect {
 public:
  using InsertEffect::InsertEffect;

  void handle(const kinbox::Event& event, kinbox::Transaction& tx) override {
    InsertEffect::handle(event, tx);
    const bool sick = event.id().starts_with("sick");
    if ((sick || event.id().starts_with("frail")) && in_mood("frail"))
      throw std::runtime_error("not now");
    if (event.id().starts_with("refused") && in_mood("refusing"))
      throw kinbox::PermanentError("never");
    if (event.id().starts_with("segv") || (sick && in_mood("fatal"))) write_through_null();
    if (event.id().starts_with("abort")) std::abort();
    if (event.id().starts_with("memory")) take_all_memory();
    if (event.id().starts_with("loop"))
      for (;;) turns = turns + 1;
  }
};

}  // namespace

int main(int argc, char** argv) {
  kinbox::HandlerSpec fatal;
  fatal.name = "fatal";
  fatal.event_types = {"*"};
  fatal.make = [](const kinbox::HandlerContext& context) {
    return std::make_unique<Fatal>(context.dialect);
  };
  // A dump of each would take longer than the test.
  limit(RLIMIT_CORE, 0);
  return kinbox::cli::main(argc, argv, {std::move(fatal)});
}
