#include "cli/retention/space.hpp"

namespace kinbox::cli {
namespace {

constexpr std::size_t kPages = 256;

}  // namespace

Database::GivenBack give_back_space(Database& database, const std::stop_token& stop) {
  auto space = Database::GivenBack::kSome;
  while (space == Database::GivenBack::kSome && !stop.stop_requested())
    space = database.give_back(kPages);
  return space;
}

std::string advice_about(Database::GivenBack space) {
  if (space != Database::GivenBack::kCannot) return {};
  return "the SQLite file does not become smaller: it was made without auto_vacuum. What is free "
         "is "
         "used for rows to come; to change that, once and with every process stopped: sqlite3 FILE "
         "'PRAGMA auto_vacuum = INCREMENTAL; VACUUM'";
}

}  // namespace kinbox::cli
