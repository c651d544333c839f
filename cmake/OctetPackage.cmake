# What is installed: liboctet.so, which exports the C interface alone, its headers, the octet program,
# and what find_package(octet) and pkg-config read. `cpack -G DEB` makes three packages of it.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

set(_map ${PROJECT_SOURCE_DIR}/cmake/octet.map)
add_library(octet_shared SHARED $<TARGET_OBJECTS:octet>)
set_target_properties(octet_shared PROPERTIES OUTPUT_NAME octet VERSION ${PROJECT_VERSION}
  SOVERSION ${PROJECT_VERSION_MAJOR} EXPORT_NAME octet LINK_DEPENDS ${_map})
target_link_libraries(octet_shared PRIVATE octet)
target_link_options(octet_shared PRIVATE -Wl,--version-script=${_map} -Wl,--no-undefined
  -Wl,--gc-sections)
target_include_directories(octet_shared INTERFACE $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)

install(TARGETS octet_shared EXPORT octet
  LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT library NAMELINK_COMPONENT development)
install(DIRECTORY ${PROJECT_SOURCE_DIR}/include/octet DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}
  COMPONENT development)
install(EXPORT octet NAMESPACE octet:: FILE octetTargets.cmake COMPONENT development
  DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/octet)
configure_package_config_file(${PROJECT_SOURCE_DIR}/cmake/octetConfig.cmake.in octetConfig.cmake
  INSTALL_DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/octet)
write_basic_package_version_file(octetConfigVersion.cmake COMPATIBILITY SameMajorVersion)
file(RELATIVE_PATH OCTET_PC_TO_PREFIX /${CMAKE_INSTALL_LIBDIR}/pkgconfig /)
configure_file(${PROJECT_SOURCE_DIR}/cmake/octet.pc.in octet.pc @ONLY)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/octetConfig.cmake
  ${CMAKE_CURRENT_BINARY_DIR}/octetConfigVersion.cmake COMPONENT development
  DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/octet)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/octet.pc COMPONENT development
  DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
install(FILES ${PROJECT_SOURCE_DIR}/LICENSE ${PROJECT_SOURCE_DIR}/NOTICE COMPONENT library
  DESTINATION ${CMAKE_INSTALL_DOCDIR})

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME octet)
set(CPACK_PACKAGE_VENDOR octet)
set(CPACK_PACKAGE_CONTACT "octet's developers <octet@localhost>")
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(_deb_aarch64 arm64)
set(_deb_x86_64 amd64)
set(CPACK_DEBIAN_PACKAGE_ARCHITECTURE ${_deb_${CMAKE_SYSTEM_PROCESSOR}})
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_COMPONENTS_ALL library development tools)
if(OCTET_ONEDNN)
  list(APPEND CPACK_COMPONENTS_ALL onednn)
endif()
if(OCTET_XNNPACK AND XNNPACK_FOUND)
  list(APPEND CPACK_COMPONENTS_ALL xnnpack)
endif()
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_ENABLE_COMPONENT_DEPENDS ON)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
if(CMAKE_CROSSCOMPILING)
  set(CPACK_PROJECT_CONFIG_FILE ${PROJECT_SOURCE_DIR}/cmake/CrossDepends.cmake)
  set(CPACK_CROSS_OBJDUMP ${CMAKE_OBJDUMP})
  list(GET CMAKE_FIND_ROOT_PATH 0 _sysroot)
  set(CPACK_CROSS_SHLIBS ${_sysroot}/shlibs)
  set(CPACK_CROSS_LIBRARY ${CMAKE_CURRENT_BINARY_DIR}/liboctet.so)
  set(CPACK_CROSS_TOOLS ${CMAKE_RUNTIME_OUTPUT_DIRECTORY}/octet)
  set(CPACK_CROSS_XNNPACK ${PROJECT_BINARY_DIR}/lib/octet/octet_xnnpack.so)
endif()
set(CPACK_DEBIAN_LIBRARY_PACKAGE_NAME liboctet${PROJECT_VERSION_MAJOR})
set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_NAME liboctet-dev)
set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_SECTION libdevel)
set(CPACK_DEBIAN_TOOLS_PACKAGE_NAME octet)
set(CPACK_COMPONENT_LIBRARY_DESCRIPTION "ONNX inference with int8 kernels: the shared library")
set(CPACK_COMPONENT_DEVELOPMENT_DESCRIPTION "ONNX inference with int8 kernels: headers")
set(CPACK_COMPONENT_TOOLS_DESCRIPTION "ONNX inference with int8 kernels: the octet program")
set(CPACK_DEBIAN_ONEDNN_PACKAGE_NAME liboctet-onednn)
set(CPACK_DEBIAN_XNNPACK_PACKAGE_NAME liboctet-xnnpack)
set(CPACK_COMPONENT_ONEDNN_DESCRIPTION "ONNX inference with int8 kernels: the oneDNN provider")
set(CPACK_COMPONENT_XNNPACK_DESCRIPTION "ONNX inference with int8 kernels: the XNNPACK provider")
set(CPACK_COMPONENT_DEVELOPMENT_DEPENDS library)
include(CPack)
