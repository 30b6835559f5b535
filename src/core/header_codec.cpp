#include "core/header_codec.hpp"

#include <nlohmann/json.hpp>

#include "core/base64.hpp"
#include "core/storable_text.hpp"
#include "kinbox/errors.hpp"

namespace kinbox {
namespace {

using nlohmann::json;

json encode_value(const std::optional<Bytes>& value) {
  return value ? json(base64_encode(as_text(*value))) : json(nullptr);
}

OwnedRecord::OwnedHeader decode_one(const json& entry) {
  OwnedRecord::OwnedHeader header;
  header.name = entry.at(0).is_null() ? base64_decode(entry.at(2).get<std::string>())
                                      : entry.at(0).get<std::string>();
  if (!entry.at(1).is_null()) header.value = base64_decode(entry.at(1).get<std::string>());
  return header;
}

}  // namespace

std::string encode_headers(const std::vector<Header>& headers) {
  auto list = json::array();
  for (const auto& header : headers) {
    if (is_storable_text(header.name))
      list.push_back(json::array({header.name, encode_value(header.value)}));
    else
      list.push_back(
          json::array({nullptr, encode_value(header.value), base64_encode(header.name)}));
  }
  return list.dump();
}

std::vector<OwnedRecord::OwnedHeader> decode_headers(std::string_view text) {
  try {
    std::vector<OwnedRecord::OwnedHeader> headers;
    for (const auto& entry : json::parse(text)) headers.push_back(decode_one(entry));
    return headers;
  } catch (const json::exception& e) {
    throw Error(std::string("a stored header list is damaged: ") + e.what());
  }
}

}  // namespace kinbox
