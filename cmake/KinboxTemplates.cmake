# kinbox_embed_templates(TARGET NAMESPACE ns FUNCTION name DIRECTORY dir): compiles the e-mail
# templates in dir into TARGET as `std::vector<kinbox::email::TemplateFile> ns::name()`.
function(kinbox_embed_templates target)
  cmake_parse_arguments(ARG "" "NAMESPACE;FUNCTION;DIRECTORY" "" ${ARGN})
  cmake_path(ABSOLUTE_PATH ARG_DIRECTORY NORMALIZE)
  file(GLOB files CONFIGURE_DEPENDS "${ARG_DIRECTORY}/*.txt" "${ARG_DIRECTORY}/*.html")
  set(script "${CMAKE_CURRENT_FUNCTION_LIST_DIR}/EmbedTemplates.cmake")
  set(output "${CMAKE_CURRENT_BINARY_DIR}/embedded/${target}_${ARG_FUNCTION}.cpp")
  add_custom_command(
    OUTPUT "${output}"
    COMMAND "${CMAKE_COMMAND}" "-DDIRECTORY=${ARG_DIRECTORY}" "-DOUTPUT=${output}"
            "-DNAMESPACE=${ARG_NAMESPACE}" "-DFUNCTION=${ARG_FUNCTION}" -P "${script}"
    DEPENDS ${files} "${script}"
    VERBATIM)
  target_sources(${target} PRIVATE "${output}")
endfunction()
