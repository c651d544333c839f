# XNNPACK and pthreadpool by header and library: neither brings a configuration. Gives
# XNNPACK::XNNPACK. Releases between the middle of 2023 and the end of 2024 are refused: there
# shapes are told apart, but every element-wise function is an operator of its own.
find_path(XNNPACK_INCLUDE_DIR xnnpack.h)
find_library(XNNPACK_LIBRARY XNNPACK)
find_path(XNNPACK_pthreadpool_INCLUDE_DIR pthreadpool.h)
find_library(XNNPACK_pthreadpool_LIBRARY pthreadpool)
mark_as_advanced(XNNPACK_INCLUDE_DIR XNNPACK_LIBRARY XNNPACK_pthreadpool_INCLUDE_DIR
  XNNPACK_pthreadpool_LIBRARY)

if(XNNPACK_LIBRARY AND XNNPACK_INCLUDE_DIR AND XNNPACK_pthreadpool_LIBRARY)
  include(CheckSymbolExists)
  set(CMAKE_REQUIRED_INCLUDES ${XNNPACK_INCLUDE_DIR} ${XNNPACK_pthreadpool_INCLUDE_DIR})
  set(CMAKE_REQUIRED_LIBRARIES ${XNNPACK_LIBRARY} ${XNNPACK_pthreadpool_LIBRARY})
  check_symbol_exists(xnn_create_convolution2d_nhwc_f32 xnnpack.h XNNPACK_LINKS)
  check_symbol_exists(xnn_reshape_convolution2d_nhwc_f32 xnnpack.h XNNPACK_RESHAPES)
  check_symbol_exists(xnn_create_unary_elementwise_nc xnnpack.h XNNPACK_UNARY)
  unset(CMAKE_REQUIRED_INCLUDES)
  unset(CMAKE_REQUIRED_LIBRARIES)
  if(XNNPACK_LINKS AND (NOT XNNPACK_RESHAPES OR XNNPACK_UNARY))
    set(XNNPACK_KNOWN_RELEASE TRUE)
  endif()
endif()

include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(XNNPACK REQUIRED_VARS XNNPACK_LIBRARY XNNPACK_INCLUDE_DIR
  XNNPACK_pthreadpool_LIBRARY XNNPACK_pthreadpool_INCLUDE_DIR XNNPACK_KNOWN_RELEASE)
if(XNNPACK_FOUND AND NOT TARGET XNNPACK::XNNPACK)
  add_library(XNNPACK::XNNPACK UNKNOWN IMPORTED)
  set_target_properties(XNNPACK::XNNPACK PROPERTIES IMPORTED_LOCATION ${XNNPACK_LIBRARY}
    INTERFACE_INCLUDE_DIRECTORIES "${XNNPACK_INCLUDE_DIR};${XNNPACK_pthreadpool_INCLUDE_DIR}"
    INTERFACE_LINK_LIBRARIES ${XNNPACK_pthreadpool_LIBRARY})
  if(XNNPACK_RESHAPES)
    set_target_properties(XNNPACK::XNNPACK PROPERTIES
      INTERFACE_COMPILE_DEFINITIONS OCTET_XNNPACK_RESHAPES)
  endif()
endif()
