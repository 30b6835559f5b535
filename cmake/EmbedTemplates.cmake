# Script: writes OUTPUT, a C++ source that returns the templates in DIRECTORY as
# `std::vector<kinbox::email::TemplateFile> NAMESPACE::FUNCTION()`.
file(GLOB files "${DIRECTORY}/*.txt" "${DIRECTORY}/*.html")
list(SORT files)
set(rows "")
foreach(file IN LISTS files)
  get_filename_component(name "${file}" NAME)
  file(READ "${file}" text)
  string(APPEND rows "      {\"${name}\", R\"kinbox(${text})kinbox\"},\n")
endforeach()
file(WRITE "${OUTPUT}.new" "// Made from the templates' files; edit those.
#include <vector>

#include \"kinbox/email/templates.hpp\"

namespace ${NAMESPACE} {

std::vector<kinbox::email::TemplateFile> ${FUNCTION}();

std::vector<kinbox::email::TemplateFile> ${FUNCTION}() {
  return {
${rows}  };
}

}  // namespace ${NAMESPACE}
")
file(RENAME "${OUTPUT}.new" "${OUTPUT}")
