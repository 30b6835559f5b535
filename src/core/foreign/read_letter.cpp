#include <algorithm>
#include <array>

#include "core/foreign/readers.hpp"

namespace kinbox::foreign {
namespace {

/// How many headers there are up to the last one that is the format's; 0 if it is not the format.
std::size_t reach(const Reader& reader, const Record& record) {
  if (!reader.recognises(record)) return 0;
  const auto& all = record.headers();
  const auto last = std::find_if(all.rbegin(), all.rend(),
                                 [&](const Header& header) { return reader.owns(header.name); });
  return static_cast<std::size_t>(all.rend() - last);
}

/// The format whose headers were added last; null if there is none.
const Reader* find_reader(const Record& record) {
  const Reader* found = nullptr;
  std::size_t farthest = 0;
  for (const auto* reader : all_readers())
    if (const auto reached = reach(*reader, record); reached > farthest) {
      farthest = reached;
      found = reader;
    }
  return found;
}

}  // namespace

std::string_view to_text(Format format) {
  switch (format) {
    case Format::kKinbox:
      return "kinbox";
    case Format::kShareGroup:
      return "share-group";
    case Format::kSpring:
      return "spring";
    case Format::kConnect:
      return "connect";
    case Format::kStreams:
      return "streams";
    case Format::kKarafka:
      return "karafka";
    case Format::kMassTransit:
      return "masstransit";
    case Format::kUnknown:
      break;
  }
  return "unknown";
}

std::span<const Reader* const> all_readers() {
  static constexpr std::array kAll{&kKinboxReader,     &kShareGroupReader, &kSpringReader,
                                   &kConnectReader,    &kStreamsReader,    &kKarafkaReader,
                                   &kMassTransitReader};
  return kAll;
}

Format format_of(const Record& record) {
  const auto* reader = find_reader(record);
  return reader == nullptr ? Format::kUnknown : reader->format;
}

ForeignLetter read_letter(const Record& record) {
  ForeignLetter letter;
  letter.record = record.copy();
  const auto* reader = find_reader(record);
  if (reader == nullptr) return letter;
  letter.format = reader->format;
  DlqHeaders headers(record);
  reader->read(headers, letter);
  letter.damaged = std::move(headers).damaged();
  if (letter.dead_at && !is_writable(*letter.dead_at)) letter.dead_at.reset();
  std::erase_if(letter.record.headers,
                [&](const auto& header) { return reader->owns(header.name); });
  return letter;
}

}  // namespace kinbox::foreign
