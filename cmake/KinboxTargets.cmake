# Warnings of the house, for our own targets only.
add_library(kinbox_warnings INTERFACE)
target_compile_options(kinbox_warnings INTERFACE -Wall -Wextra -Wpedantic -Wconversion -Wshadow)
if(KINBOX_WERROR)
  target_compile_options(kinbox_warnings INTERFACE -Werror)
endif()
if(KINBOX_SANITIZE)
  add_compile_options(-fsanitize=${KINBOX_SANITIZE} -fno-omit-frame-pointer)
  add_link_options(-fsanitize=${KINBOX_SANITIZE})
  # GCC's own manual: with -fsanitize this warning has false positives; it has one inside <regex>.
  target_compile_options(kinbox_warnings INTERFACE
    $<$<CXX_COMPILER_ID:GNU>:-Wno-maybe-uninitialized>)
endif()

# A library whose first source has yet to come still links.
macro(kinbox_not_empty sources)
  if(NOT ${sources})
    file(WRITE "${CMAKE_BINARY_DIR}/empty.cpp" "")
    set(${sources} "${CMAKE_BINARY_DIR}/empty.cpp")
  endif()
endmacro()

# kinbox_library(NAME): static library kinbox_NAME, alias kinbox::NAME, from src/NAME.
# and its folders. Public headers come from include/, private ones from src/ ("core/batch.hpp").
function(kinbox_library name)
  file(GLOB sources CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/src/${name}/*.cpp"
    "${PROJECT_SOURCE_DIR}/src/${name}/*/*.cpp")
  kinbox_not_empty(sources)
  add_library(kinbox_${name} STATIC ${sources})
  add_library(kinbox::${name} ALIAS kinbox_${name})
  set_target_properties(kinbox_${name} PROPERTIES EXPORT_NAME ${name} POSITION_INDEPENDENT_CODE ON
    LINKER_LANGUAGE CXX)
  target_compile_features(kinbox_${name} PUBLIC cxx_std_20)
  target_include_directories(kinbox_${name}
    PUBLIC "$<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include>"
           "$<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>"
    PRIVATE "${PROJECT_SOURCE_DIR}/src")
  target_link_libraries(kinbox_${name} PRIVATE $<BUILD_INTERFACE:kinbox_warnings> Threads::Threads)
  set_property(GLOBAL APPEND PROPERTY KINBOX_LIBRARIES kinbox_${name})
endfunction()
