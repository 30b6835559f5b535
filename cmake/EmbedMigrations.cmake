# Script: writes OUTPUT, a C++ source that returns the migrations below DIRECTORY as
# `std::vector<kinbox::Migration> NAMESPACE::FUNCTION()`. A file may say `-- min_reader: N` in its
# first line.
set(rows "")
foreach(backend IN ITEMS sqlite postgres)
  file(GLOB files "${DIRECTORY}/${backend}/*.sql")
  list(SORT files)
  foreach(file IN LISTS files)
    get_filename_component(name "${file}" NAME)
    if(NOT name MATCHES "^([0-9][0-9][0-9][0-9])_[a-z0-9_]+\\.sql$")
      message(FATAL_ERROR "${file}: a migration is called NNNN_name.sql")
    endif()
    math(EXPR version "1${CMAKE_MATCH_1} - 10000")
    file(READ "${file}" sql)
    set(min_reader 1)
    if(sql MATCHES "^-- min_reader: ([0-9]+)")
      set(min_reader "${CMAKE_MATCH_1}")
    endif()
    if(backend STREQUAL "sqlite")
      set(enumerator kSqlite)
    else()
      set(enumerator kPostgres)
    endif()
    string(APPEND rows
      "      {kinbox::Backend::${enumerator}, ${version}, \"${name}\", R\"kinbox(${sql})kinbox\", ${min_reader}},\n")
  endforeach()
endforeach()
file(WRITE "${OUTPUT}.new" "// Made from the .sql files; edit those.
#include <vector>

#include \"kinbox/migration.hpp\"

namespace ${NAMESPACE} {

std::vector<kinbox::Migration> ${FUNCTION}();

std::vector<kinbox::Migration> ${FUNCTION}() {
  return {
${rows}  };
}

}  // namespace ${NAMESPACE}
")
file(RENAME "${OUTPUT}.new" "${OUTPUT}")
