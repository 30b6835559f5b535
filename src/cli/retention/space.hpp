#pragma once

#include <stop_token>
#include <string>

#include "kinbox/database.hpp"

namespace kinbox::cli {

/// Hands back what deleted rows left, a megabyte or so at a time.
Database::GivenBack give_back_space(Database& database, const std::stop_token& stop = {});

/// What a person has to do once about a file that keeps its pages; empty if it gave them back.
std::string advice_about(Database::GivenBack space);

}  // namespace kinbox::cli
