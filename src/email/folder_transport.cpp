#include "kinbox/email/folder_transport.hpp"

#include <unistd.h>

#include <chrono>
#include <system_error>

#include "core/random_name.hpp"
#include "core/sha1.hpp"
#include "email/new_file.hpp"
#include "kinbox/errors.hpp"

namespace kinbox::email {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kHex = "0123456789abcdef";
/// File systems stop at 255 bytes.
constexpr std::size_t kLongestName = 200;

std::string hash_of(std::string_view text) {
  std::string hex;
  for (const auto byte : sha1(text)) hex += {kHex[byte >> 4], kHex[byte & 15]};
  return hex;
}

void make_folder(const std::string& transport, const fs::path& folder) {
  std::error_code error;
  fs::create_directories(folder, error);
  if (!error && ::access(folder.c_str(), W_OK | X_OK) != 0)
    error = std::error_code(errno, std::generic_category());
  if (error)
    throw ConfigurationError(transport + ": folder " + folder.string() + ": " + error.message());
}

/// A file's name for a Message-ID; no two share one.
std::string file_name(std::string_view message_id) {
  constexpr std::string_view kPlain =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_@";
  if (message_id.starts_with('<') && message_id.ends_with('>'))
    message_id = message_id.substr(1, message_id.size() - 2);
  std::string name;
  for (const char c : message_id) {
    const auto byte = static_cast<unsigned char>(c);
    if (kPlain.find(c) != kPlain.npos && !(name.empty() && c == '.'))
      name += c;
    else
      name += {'%', kHex[byte >> 4], kHex[byte & 15]};
  }
  return name.size() > kLongestName ? hash_of(message_id) : name;
}

class FolderTransport : public Transport {
 public:
  Delivery deliver(const Parcel& parcel, const std::function<bool()>& may_send) override {
    bool named = false;
    try {
      NewFile file(aside(), parcel.message);
      if (!may_send()) return {Outcome::kGivenUp, "given up before the mail got its name"};
      const auto target = name(parcel);
      file.publish(target);
      named = true;
      sync_folder(target.parent_path());
      return {Outcome::kAccepted, "written to " + target.filename().string()};
    } catch (const std::system_error& error) {
      return {named ? Outcome::kUnknown : Outcome::kUnavailable, error.what()};
    }
  }

 private:
  /// Where the mail is written.
  virtual fs::path aside() const = 0;
  /// What it is called then, on the same file system.
  virtual fs::path name(const Parcel& parcel) const = 0;
};

class Maildir final : public FolderTransport {
 public:
  explicit Maildir(fs::path folder) : folder_(std::move(folder)) {
    for (const char* part : {"tmp", "new", "cur"}) make_folder("maildir", folder_ / part);
  }

 private:
  fs::path aside() const override { return folder_ / "tmp" / random_name(); }
  fs::path name(const Parcel& parcel) const override {
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(now).count();
    return folder_ / "new" /
           (std::to_string(seconds) + '.' + hash_of(parcel.id) + '_' + random_name() + ".kinbox");
  }

  const fs::path folder_;
};

class FilePerMail final : public FolderTransport {
 public:
  explicit FilePerMail(fs::path folder) : folder_(std::move(folder)) {
    make_folder("file", folder_);
  }

 private:
  fs::path aside() const override { return folder_ / ("." + random_name()); }
  fs::path name(const Parcel& parcel) const override {
    return folder_ / (file_name(parcel.id) + ".eml");
  }

  const fs::path folder_;
};

}  // namespace

std::unique_ptr<Transport> make_maildir(const fs::path& folder) {
  return std::make_unique<Maildir>(folder);
}

std::unique_ptr<Transport> make_file(const fs::path& folder) {
  return std::make_unique<FilePerMail>(folder);
}

}  // namespace kinbox::email
