# What is installed: liboctet.so, which exports the C interface alone to programs, its headers, the octet
# program, and what find_package(octet) and pkg-config read.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

set(_map ${PROJECT_SOURCE_DIR}/cmake/octet.map)
add_library(octet_shared SHARED $<TARGET_OBJECTS:octet_api>)
if(OCTET_SMALL)
  # What the quantizer's module takes is exported to it alone, by a version of its own.
  set(_quantizer $<TARGET_OBJECTS:octet_quantize_api> $<TARGET_OBJECTS:octet_quant>
    $<TARGET_OBJECTS:octet_calibration> $<TARGET_OBJECTS:octet_writer>)
  set(_script ${PROJECT_SOURCE_DIR}/cmake/core-symbols.sh)
  set(_core ${CMAKE_CURRENT_BINARY_DIR}/core)
  add_custom_command(OUTPUT ${_core}.map ${_core}.options
    COMMAND ${_script} ${CMAKE_NM} ${_map} OCTET_PRIVATE_${PROJECT_VERSION} ${_core} ${_quantizer}
    DEPENDS ${_script} ${_map} ${_quantizer} VERBATIM COMMAND_EXPAND_LISTS)
  add_custom_target(octet_core_symbols DEPENDS ${_core}.map ${_core}.options)
  set(_map ${_core}.map)
  add_dependencies(octet_shared octet_core_symbols)
  target_sources(octet_shared PRIVATE quantizer/forward.cpp)
  target_link_options(octet_shared PRIVATE @${_core}.options -Wl,-Bsymbolic-functions)
else()
  target_sources(octet_shared PRIVATE $<TARGET_OBJECTS:octet_quantize_api>)
endif()
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
if(OCTET_SMALL)
  find_package(Protobuf REQUIRED)
  add_library(octet_quantize MODULE ${_quantizer} quantizer/module.cpp)
  set_target_properties(octet_quantize PROPERTIES PREFIX "" UNITY_BUILD OFF
    LIBRARY_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/lib/octet)
  target_include_directories(octet_quantize PRIVATE ${PROJECT_SOURCE_DIR} ${PROJECT_SOURCE_DIR}/include)
  target_link_options(octet_quantize PRIVATE -Wl,--no-undefined -Wl,--gc-sections
    -Wl,--version-script=${PROJECT_SOURCE_DIR}/cmake/module.map)
  target_link_libraries(octet_quantize PRIVATE octet_options octet_shared protobuf::libprotobuf)
  install(TARGETS octet_quantize LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR}/octet COMPONENT library)
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
