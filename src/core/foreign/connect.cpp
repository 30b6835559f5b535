#include "core/foreign/readers.hpp"

namespace kinbox::foreign {
namespace {

bool owns(std::string_view name) { return name.starts_with("__connect.errors."); }

bool recognises(const Record& record) {
  return record.header("__connect.errors.topic").has_value() ||
         record.header("__connect.errors.exception.class.name").has_value();
}

void read(DlqHeaders& headers, ForeignLetter& letter) {
  letter.origin.topic = headers.topic("__connect.errors.topic");
  letter.origin.partition = headers.partition("__connect.errors.partition");
  letter.origin.offset = headers.offset("__connect.errors.offset");
  letter.group = headers.words("__connect.errors.connector.name");
  letter.error_type = headers.words("__connect.errors.exception.class.name");
  letter.error_text = headers.words("__connect.errors.exception.message");
  letter.thrown_at = first_place(headers.words("__connect.errors.exception.stacktrace"));
  // The record keeps its timestamp; when it died is not told.
}

}  // namespace

const Reader kConnectReader{Format::kConnect, recognises, owns, read};

}  // namespace kinbox::foreign
