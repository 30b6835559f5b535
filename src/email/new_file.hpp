#pragma once

#include <filesystem>
#include <string_view>

namespace kinbox::email {

/// A file that is written completely and synced before it gets its name; gone with this object if
/// it never does. All throw std::system_error, whose text names the file.
class NewFile {
 public:
  /// Makes the file `aside`, which must not be there yet, and writes `content`.
  NewFile(std::filesystem::path aside, std::string_view content);
  NewFile(const NewFile&) = delete;
  NewFile& operator=(const NewFile&) = delete;
  ~NewFile();

  /// Renames it, over what has that name.
  void publish(const std::filesystem::path& name);

 private:
  std::filesystem::path aside_;
  bool published_ = false;
};

/// Makes renames in `folder` survive a crash of the machine.
void sync_folder(const std::filesystem::path& folder);

}  // namespace kinbox::email
