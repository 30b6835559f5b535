#include <string>

#include "core/checksum.hpp"
#include "core/replay/replay_plan.hpp"

namespace kinbox {
namespace {

/// Each piece with its length, so that no two records make one text.
class Pieces {
 public:
  void add(std::string_view piece) {
    text_.append(std::to_string(piece.size())).append(":").append(piece);
  }
  void add(std::optional<Bytes> piece) { piece ? add(as_text(*piece)) : void(text_ += '-'); }
  const std::string& text() const { return text_; }

 private:
  std::string text_;
};

}  // namespace

RecordMark RecordMark::of(const Record& record) {
  Pieces pieces;
  const auto time = record.timestamp();
  pieces.add(time ? std::to_string(time->time_since_epoch().count()) : std::string());
  pieces.add(record.key());
  pieces.add(record.value());
  for (const auto& header : record.headers()) {
    pieces.add(header.name);
    pieces.add(header.value);
  }
  return {record.offset(), kinbox::checksum(pieces.text())};
}

}  // namespace kinbox
