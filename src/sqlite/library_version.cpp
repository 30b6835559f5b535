#include <sqlite3.h>

#include "kinbox/sqlite/database.hpp"

namespace kinbox::sqlite {

std::string library_version() { return sqlite3_libversion(); }

}  // namespace kinbox::sqlite
