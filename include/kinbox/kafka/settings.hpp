#pragma once

#include <initializer_list>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace kinbox::kafka {

/// What the user passes through to librdkafka, checked: every key exists in the librdkafka that
/// runs, none takes a decision away from kinbox, none loads code or runs commands.
///
/// One set serves consumers, producers and administration; each takes what concerns it.
class Settings {
 public:
  /// Whether keys that load code or run commands (`plugin.library.paths`,
  /// `sasl.kerberos.kinit.cmd`, ...) may pass. They are as powerful as the configuration's author.
  enum class Unsafe { kRefuse, kAllow };

  Settings() = default;
  /// Throws ConfigurationError naming the key, the reason and what to write instead.
  explicit Settings(std::map<std::string, std::string> values, Unsafe unsafe = Unsafe::kRefuse);
  Settings(std::initializer_list<std::pair<const std::string, std::string>> values)
      : Settings(std::map<std::string, std::string>(values)) {}

  const std::map<std::string, std::string>& values() const noexcept { return values_; }

 private:
  std::map<std::string, std::string> values_;
};

/// What these settings ask for and the librdkafka that runs is known not to do, with the way out.
std::vector<std::string> doubts_about(const Settings& settings);

/// Whether the value of `key` must not be printed.
bool is_secret(std::string_view key);

/// Version of the librdkafka that runs (not the one compiled against), "2.0.2".
std::string library_version();

}  // namespace kinbox::kafka
