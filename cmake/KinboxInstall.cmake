# cmake --install: headers, libraries, kinboxConfig.cmake, kinbox.pc.
