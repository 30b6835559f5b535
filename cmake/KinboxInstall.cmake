# cmake --install: headers, static libraries, kinboxConfig.cmake, kinbox.pc, the binary, migrations.
# The result can be moved to another prefix.
set(kinbox_cmake_directory "${CMAKE_INSTALL_LIBDIR}/cmake/kinbox")

install(DIRECTORY include/kinbox DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}"
  FILES_MATCHING PATTERN "*.hpp")
foreach(header IN ITEMS handlers order_view/order_view
    email_confirmation/email_confirmation email_confirmation/templates inventory/inventory
    payment/payment notification/notification analytics/analytics)
  cmake_path(GET header PARENT_PATH folder)
  install(FILES "handlers/${header}.hpp"
    DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}/kinbox/handlers/${folder}")
endforeach()

# A static library's private dependencies are its users' to link, so they are exported with it.
get_property(libraries GLOBAL PROPERTY KINBOX_LIBRARIES)
get_property(dependencies GLOBAL PROPERTY KINBOX_DEPENDENCIES)
install(TARGETS ${libraries} ${dependencies} EXPORT kinboxTargets
  ARCHIVE DESTINATION "${CMAKE_INSTALL_LIBDIR}")
install(EXPORT kinboxTargets NAMESPACE kinbox:: DESTINATION "${kinbox_cmake_directory}")
if(TARGET kinbox)
  install(TARGETS kinbox RUNTIME DESTINATION "${CMAKE_INSTALL_BINDIR}")
endif()

configure_package_config_file(cmake/kinboxConfig.cmake.in kinboxConfig.cmake
  INSTALL_DESTINATION "${kinbox_cmake_directory}" NO_SET_AND_CHECK_MACRO)
# Until 1.0 a minor version may change the API.
write_basic_package_version_file(kinboxConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES "${CMAKE_CURRENT_BINARY_DIR}/kinboxConfig.cmake"
  "${CMAKE_CURRENT_BINARY_DIR}/kinboxConfigVersion.cmake"
  cmake/KinboxMigrations.cmake cmake/EmbedMigrations.cmake DESTINATION "${kinbox_cmake_directory}")

# Where the prefix is, as seen from kinbox.pc.
set(kinbox_pc_directory "${CMAKE_INSTALL_LIBDIR}/pkgconfig")
set(kinbox_pc_prefix "${CMAKE_INSTALL_PREFIX}")
if(NOT IS_ABSOLUTE "${CMAKE_INSTALL_LIBDIR}")
  file(RELATIVE_PATH kinbox_pc_prefix "/${kinbox_pc_directory}" "/")
  string(REGEX REPLACE "/$" "" kinbox_pc_prefix "\${pcfiledir}/${kinbox_pc_prefix}")
endif()
configure_file(cmake/kinbox.pc.in kinbox.pc @ONLY)
install(FILES "${CMAKE_CURRENT_BINARY_DIR}/kinbox.pc" DESTINATION "${kinbox_pc_directory}")

# For whoever reviews the schema, or applies it by other means; the binary has them inside.
set(kinbox_migrations_directory "${CMAKE_INSTALL_DATADIR}/kinbox/migrations")
install(DIRECTORY migrations/ DESTINATION "${kinbox_migrations_directory}/kinbox")
foreach(handler IN ITEMS order_view inventory payment notification analytics)
  install(DIRECTORY "handlers/${handler}/migrations/"
    DESTINATION "${kinbox_migrations_directory}/${handler}")
endforeach()
# To copy and change; the binary has these inside too.
install(DIRECTORY handlers/email_confirmation/templates/
  DESTINATION "${CMAKE_INSTALL_DATADIR}/kinbox/templates/email_confirmation")
install(FILES LICENSE README.md CHANGELOG.md DESTINATION "${CMAKE_INSTALL_DOCDIR}")
