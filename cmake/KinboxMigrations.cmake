# Also part of the installed package: handlers outside this tree have migrations too.

# kinbox_embed_migrations(TARGET NAMESPACE ns FUNCTION name DIRECTORY dir): compiles the files
# dir/{sqlite,postgres}/NNNN_name.sql into TARGET as `std::vector<kinbox::Migration> ns::name()`.
# Declare that function where you list the handler; TARGET must link kinbox::core.
function(kinbox_embed_migrations target)
  cmake_parse_arguments(ARG "" "NAMESPACE;FUNCTION;DIRECTORY" "" ${ARGN})
  foreach(needed IN ITEMS NAMESPACE FUNCTION DIRECTORY)
    if(NOT ARG_${needed})
      message(FATAL_ERROR "kinbox_embed_migrations(${target}): ${needed} is missing")
    endif()
  endforeach()
  cmake_path(ABSOLUTE_PATH ARG_DIRECTORY NORMALIZE)
  file(GLOB files CONFIGURE_DEPENDS "${ARG_DIRECTORY}/sqlite/*.sql" "${ARG_DIRECTORY}/postgres/*.sql")
  if(NOT files)
    message(FATAL_ERROR "kinbox_embed_migrations(${target}): no sqlite/*.sql and no postgres/*.sql in "
      "${ARG_DIRECTORY}")
  endif()
  set(script "${CMAKE_CURRENT_FUNCTION_LIST_DIR}/EmbedMigrations.cmake")
  set(output "${CMAKE_CURRENT_BINARY_DIR}/embedded/${target}_${ARG_FUNCTION}.cpp")
  add_custom_command(
    OUTPUT "${output}"
    COMMAND "${CMAKE_COMMAND}" "-DDIRECTORY=${ARG_DIRECTORY}" "-DOUTPUT=${output}"
            "-DNAMESPACE=${ARG_NAMESPACE}" "-DFUNCTION=${ARG_FUNCTION}" -P "${script}"
    DEPENDS ${files} "${script}"
    VERBATIM)
  target_sources(${target} PRIVATE "${output}")
endfunction()
