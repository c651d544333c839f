# What is installed: liboctet.so, which exports the C interface alone, its headers, the octet program,
# and what find_package(octet) and pkg-config read.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

set(_map ${PROJECT_SOURCE_DIR}/cmake/octet.map)
add_library(octet_shared SHARED $<TARGET_OBJECTS:octet>)
set_target_properties(octet_shared PROPERTIES OUTPUT_NAME octet VERSION ${PROJECT_VERSION}
  SOVERSION ${PROJECT_VERSION_MAJOR} EXPORT_NAME octet LINK_DEPENDS ${_map})
target_link_libraries(octet_shared PRIVATE octet)
target_link_options(octet_shared PRIVATE -Wl,--version-script=${_map} -Wl,--no-undefined
  -Wl,--gc-sections)
if(OCTET_SMALL)
  # Relocations as a bitmap, a tenth of their size; what glibc 2.36 reads, and a linker may ignore.
  include(CheckLinkerFlag)
  check_linker_flag(CXX -Wl,-z,pack-relative-relocs OCTET_PACKS_RELOCATIONS)
  if(OCTET_PACKS_RELOCATIONS)
    target_link_options(octet_shared PRIVATE -Wl,-z,pack-relative-relocs)
  endif()
endif()
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
