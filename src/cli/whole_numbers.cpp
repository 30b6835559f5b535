#include "cli/whole_numbers.hpp"

#include <charconv>
#include <cstdint>
#include <string>
#include <system_error>

namespace kinbox::cli {
namespace {

CLI::Validator from(std::int64_t least) {
  return {[least](std::string& text) -> std::string {
            std::int64_t number = 0;
            const auto* const end = text.data() + text.size();
            const auto read = std::from_chars(text.data(), end, number);
            if (read.ec == std::errc{} && read.ptr == end && number >= least) return {};
            return "should be a whole number from " + std::to_string(least) + " on, not \"" + text +
                   '"';
          },
          ""};
}

}  // namespace

CLI::Validator from_one() { return from(1); }
CLI::Validator from_zero() { return from(0); }

}  // namespace kinbox::cli
