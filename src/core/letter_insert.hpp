#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "kinbox/fingerprint.hpp"
#include "kinbox/transaction.hpp"

namespace kinbox {

struct ImportedLetter;

/// An imported letter as its row is to be, where that is not as it came.
struct LetterRow {
  const ImportedLetter* letter = nullptr;
  Fingerprint fingerprint;
  std::string_view reason;
  std::string_view state;
};

/// Writes rows of `dead_letters` that were imported, inside the caller's transaction.
class LetterInsert {
 public:
  LetterInsert(std::string consumer, const Dialect& dialect);

  /// The new rows' ids, in no particular order. Throws InfrastructureError when there is a letter
  /// of one of the records already: somebody wrote it since the caller looked.
  std::vector<std::int64_t> run(OpenTransaction& tx,
                                std::span<const LetterRow* const> letters) const;

 private:
  std::string consumer_;
  BulkStatement insert_;
};

}  // namespace kinbox
