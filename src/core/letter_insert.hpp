#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/imported_letter.hpp"
#include "kinbox/fingerprint.hpp"
#include "kinbox/transaction.hpp"

namespace kinbox {

/// An imported letter as its row is to be, where that is not as it came.
struct LetterRow {
  const ImportedLetter* letter = nullptr;
  Fingerprint fingerprint;
  std::string_view reason;
  ImportedLetter::State state = ImportedLetter::State::kOpen;
};

/// Writes letters that were imported, inside the caller's transaction.
class LetterInsert {
 public:
  LetterInsert(std::string consumer, const Dialect& dialect);

  /// The new rows' ids, in no particular order. Throws InfrastructureError when there is a letter
  /// of one of the records already: somebody wrote it since the caller looked.
  std::vector<std::int64_t> run(OpenTransaction& tx,
                                std::span<const LetterRow* const> letters) const;

 private:
  std::vector<std::int64_t> insert(OpenTransaction& tx,
                                   std::span<const LetterRow* const> letters) const;

  std::string consumer_;
  BulkStatement insert_;
  BulkStatement open_;
  BulkStatement discarded_;
};

}  // namespace kinbox
