# What kinbox stands on, all from Debian 12's packages. pkg-config where Debian ships no CMake
# config. Each dependency gets one interface target, so that link lines name the library's role.
find_package(PkgConfig REQUIRED)
find_package(Threads REQUIRED)

function(kinbox_dependency name)
  add_library(kinbox_${name} INTERFACE)
  target_link_libraries(kinbox_${name} INTERFACE ${ARGN})
  set_target_properties(kinbox_${name} PROPERTIES EXPORT_NAME ${name}_dependency)
  set_property(GLOBAL APPEND PROPERTY KINBOX_DEPENDENCIES kinbox_${name})
endfunction()

pkg_check_modules(RDKAFKA REQUIRED IMPORTED_TARGET rdkafka>=2.0.2)
kinbox_dependency(rdkafka PkgConfig::RDKAFKA)

pkg_check_modules(LIBPQXX REQUIRED IMPORTED_TARGET libpqxx>=6.4)
pkg_check_modules(LIBPQ REQUIRED IMPORTED_TARGET libpq)
kinbox_dependency(pqxx PkgConfig::LIBPQXX PkgConfig::LIBPQ)

find_package(SQLiteCpp REQUIRED)
pkg_check_modules(SQLITE3 REQUIRED IMPORTED_TARGET sqlite3>=3.37)
kinbox_dependency(sqlitecpp SQLiteCpp PkgConfig::SQLITE3)

pkg_check_modules(LIBCURL REQUIRED IMPORTED_TARGET libcurl>=7.88)
kinbox_dependency(curl PkgConfig::LIBCURL)

find_package(nlohmann_json 3.11 REQUIRED)
# Headers only, and in no header of ours: whoever links the installed libraries needs it no more.
kinbox_dependency(nlohmann $<BUILD_INTERFACE:nlohmann_json::nlohmann_json>)

pkg_check_modules(XXHASH REQUIRED IMPORTED_TARGET libxxhash>=0.8)
kinbox_dependency(xxhash PkgConfig::XXHASH)

# Headers only, without a config of any kind; in one of our sources.
find_path(KAINJOW_MUSTACHE_INCLUDE_DIR kainjow/mustache.hpp REQUIRED)
add_library(kinbox_mustache INTERFACE)
target_include_directories(kinbox_mustache SYSTEM INTERFACE "${KAINJOW_MUSTACHE_INCLUDE_DIR}")

find_package(CLI11 REQUIRED)
# The same.
kinbox_dependency(cli11 $<BUILD_INTERFACE:CLI11::CLI11>)

find_package(spdlog REQUIRED)
kinbox_dependency(spdlog spdlog::spdlog)

find_package(yaml-cpp REQUIRED)
kinbox_dependency(yaml yaml-cpp)
