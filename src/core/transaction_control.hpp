#pragma once

#include <string_view>

namespace kinbox {

/// Throws TransactionMisuse when the first keyword of `sql` would end, nest or prepare the
/// transaction. Comments and white space before it are passed over. Only the first statement is
/// looked at: both drivers refuse texts of several statements, and `open_batch` catches the rest.
void refuse_transaction_control(std::string_view sql);

}  // namespace kinbox
