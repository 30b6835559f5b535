#pragma once

#include <ostream>
#include <string>
#include <string_view>
#include <vector>

#include "kinbox/record.hpp"

namespace kinbox::cli {

/// How a record is printed, in the words of kcat's -f:
///
///   %t topic, %p partition, %o offset, %T timestamp in milliseconds (-1: none)
///   %k key, %K its length (-1: null); %s value, %S its length (-1: null), %R the same as 32 bits
///   in network order
///   %h headers: name=value,name=value; a null value is NULL
///   %% a percent sign; \n \r \t; \xHH and \NNN a byte; \ before anything else: that
///
/// Keys and values are printed as they are, null ones as nothing, and no line end is added.
class RecordFormat {
 public:
  /// Throws UsageError on a token that is none.
  explicit RecordFormat(std::string_view format);

  void print(std::ostream& out, const OwnedRecord& record) const;

 private:
  struct Part {
    /// 0: `text`.
    char token = 0;
    std::string text = {};
  };

  std::vector<Part> parts_;
};

}  // namespace kinbox::cli
