#include "support/topic_file.hpp"

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <stdexcept>

namespace kinbox::testing {
namespace {

// The head of a batch: base offset (8 bytes), length of what follows (4), leader epoch (4), magic
// (1), checksum (4), attributes (2), ...
constexpr std::size_t kLengthAt = 8;
constexpr std::size_t kCountedFrom = 12;
constexpr std::size_t kCodecAt = 22;

std::string content(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) throw std::runtime_error("cannot read " + path.string());
  return {std::istreambuf_iterator<char>(file), {}};
}

std::size_t length_at(const std::string& bytes, std::size_t at) {
  std::size_t length = 0;
  for (std::size_t i = 0; i < 4; ++i)
    length = length << 8 | static_cast<unsigned char>(bytes[at + i]);
  return length;
}

}  // namespace

TopicFile::TopicFile(const TopicPartition& partition) {
  const char* services = std::getenv("KINBOX_TEST_SERVICES_DIR");
  if (services == nullptr) throw std::runtime_error("KINBOX_TEST_SERVICES_DIR is not set");
  path_ = std::filesystem::path(services) / "kafka/data" /
          (partition.topic + '-' + std::to_string(partition.partition)) /
          "00000000000000000000.log";
}

std::vector<std::size_t> TopicFile::ends() const {
  const auto bytes = content(path_);
  std::vector<std::size_t> ends;
  for (std::size_t at = 0; at + kCodecAt < bytes.size(); at = ends.back())
    ends.push_back(at + kCountedFrom + length_at(bytes, at + kLengthAt));
  return ends;
}

std::vector<Codec> TopicFile::codecs() const {
  const auto bytes = content(path_);
  std::vector<Codec> codecs;
  std::size_t begin = 0;
  for (const auto end : ends()) {
    codecs.push_back(static_cast<Codec>(bytes[begin + kCodecAt] & 7));
    begin = end;
  }
  return codecs;
}

void TopicFile::damage(std::size_t batch) {
  // The last byte counts the last record's headers, the one before it ends its value.
  const auto at = static_cast<std::streamoff>(ends().at(batch) - 2);
  std::fstream file(path_, std::ios::binary | std::ios::in | std::ios::out);
  file.seekg(at);
  const auto byte = static_cast<char>(~file.get());
  file.seekp(at);
  file.put(byte);
  if (!file.flush()) throw std::runtime_error("cannot write " + path_.string());
}

}  // namespace kinbox::testing
