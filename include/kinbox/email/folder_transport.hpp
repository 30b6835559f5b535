#pragma once

#include <filesystem>
#include <memory>

#include "kinbox/email/transport.hpp"

namespace kinbox::email {

/// A maildir, made if it is not there: each mail is written to `tmp`, synced, and renamed into
/// `new`. Its file is called after the Message-ID, so a mail that is delivered again replaces
/// itself as long as nobody has read it.
///
/// Throws ConfigurationError that names the folder when it cannot be used.
std::unique_ptr<Transport> make_maildir(const std::filesystem::path& folder);

/// A folder with one file per mail, MESSAGE-ID.eml, written aside, synced and renamed: for looking
/// at. A mail that is delivered again replaces its file.
///
/// Throws ConfigurationError that names the folder when it cannot be used.
std::unique_ptr<Transport> make_file(const std::filesystem::path& folder);

}  // namespace kinbox::email
