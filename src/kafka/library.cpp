#include "kinbox/kafka/library.hpp"

#include <librdkafka/rdkafka.h>

#include <array>
#include <sstream>

#include "kafka/handles.hpp"

namespace kinbox::kafka {

std::vector<std::string> library_features() {
  const ConfHandle scratch(rd_kafka_conf_new());
  std::array<char, 1024> text{};
  std::size_t size = text.size();
  rd_kafka_conf_get(scratch.get(), "builtin.features", text.data(), &size);
  std::vector<std::string> features;
  std::istringstream words(text.data());
  for (std::string word; std::getline(words, word, ',');) features.push_back(word);
  return features;
}

}  // namespace kinbox::kafka
