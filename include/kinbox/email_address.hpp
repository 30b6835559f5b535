#pragma once

#include <string_view>

namespace kinbox::email {

/// Whether `address` is one a mail can be sent to, and can do no harm in a mail's header or in the
/// dialogue with a server: both sides of the '@', printable ASCII, none of `,;<>"()[]\:`, at most
/// 64 and 255 bytes. Not whether it exists.
bool is_usable_address(std::string_view address);

}  // namespace kinbox::email
