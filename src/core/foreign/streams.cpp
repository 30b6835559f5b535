#include "core/foreign/readers.hpp"

namespace kinbox::foreign {
namespace {

bool owns(std::string_view name) { return name.starts_with("__streams.errors."); }

bool recognises(const Record& record) {
  return record.header("__streams.errors.topic").has_value() ||
         record.header("__streams.errors.exception").has_value();
}

void read(DlqHeaders& headers, ForeignLetter& letter) {
  letter.origin.topic = headers.topic("__streams.errors.topic");
  letter.origin.partition = headers.partition("__streams.errors.partition");
  letter.origin.offset = headers.offset("__streams.errors.offset");
  letter.error_type = headers.words("__streams.errors.exception");
  letter.error_text = headers.words("__streams.errors.message");
  letter.thrown_at = first_place(headers.words("__streams.errors.stacktrace"));
}

}  // namespace

const Reader kStreamsReader{Format::kStreams, recognises, owns, read};

}  // namespace kinbox::foreign
