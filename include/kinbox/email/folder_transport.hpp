#pragma once

#include <filesystem>
#include <memory>

#include "kinbox/email/transport.hpp"

namespace kinbox::email {

/// Both write a mail aside, sync it, ask `may_send`, and give it its name: it is there or it is
/// not. What goes wrong before that is Outcome::kUnavailable and names the file, after it
/// Outcome::kUnknown.

/// A maildir (`tmp`, `new`, `cur`), made if it is not there. As in a mailbox, a mail that is
/// delivered twice is there twice: each delivery is a file of its own, whose name begins with the
/// time, a hash of the Message-ID, and something random.
///
/// Throws ConfigurationError that names the folder when it cannot be used.
std::unique_ptr<Transport> make_maildir(const std::filesystem::path& folder);

/// A folder, made if it is not there, with a file `MESSAGE-ID.eml` for each mail: for looking at. A
/// mail that is delivered twice replaces its file.
///
/// Throws ConfigurationError that names the folder when it cannot be used.
std::unique_ptr<Transport> make_file(const std::filesystem::path& folder);

}  // namespace kinbox::email
