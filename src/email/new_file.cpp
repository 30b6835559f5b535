#include "email/new_file.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <string>
#include <system_error>

namespace kinbox::email {
namespace {

[[noreturn]] void fail(const std::filesystem::path& path) {
  throw std::system_error(errno, std::generic_category(), path.string());
}

class Descriptor {
 public:
  Descriptor(const std::filesystem::path& path, int flags)
      : fd_(::open(path.c_str(), flags | O_CLOEXEC, 0600)) {
    if (fd_ < 0) fail(path);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() { ::close(fd_); }

  int get() const { return fd_; }

 private:
  int fd_;
};

void write_all(const Descriptor& file, const std::filesystem::path& path, std::string_view rest) {
  while (!rest.empty()) {
    const auto written = ::write(file.get(), rest.data(), rest.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) fail(path);
    rest.remove_prefix(static_cast<std::size_t>(written));
  }
  if (::fsync(file.get()) != 0) fail(path);
}

}  // namespace

NewFile::NewFile(std::filesystem::path aside, std::string_view content) : aside_(std::move(aside)) {
  const Descriptor file(aside_, O_WRONLY | O_CREAT | O_EXCL);
  try {
    write_all(file, aside_, content);
  } catch (const std::system_error&) {
    ::unlink(aside_.c_str());
    throw;
  }
}

NewFile::~NewFile() {
  if (!published_) ::unlink(aside_.c_str());
}

void NewFile::publish(const std::filesystem::path& name) {
  if (::rename(aside_.c_str(), name.c_str()) != 0) fail(name);
  published_ = true;
}

void sync_folder(const std::filesystem::path& folder) {
  const Descriptor descriptor(folder, O_RDONLY | O_DIRECTORY);
  if (::fsync(descriptor.get()) != 0) fail(folder);
}

}  // namespace kinbox::email
