# octet_kernel_family(FOLDER): adds kernels/FOLDER to octet_kernels. Its table.def holds a row
# OCTET_KERNEL(isa) an instruction set, weakest first; each row's source is kernels/FOLDER/isa.cpp,
# compiled with the flags that kernels/cpu/isa.def gives. Rows of another architecture are left out:
# the generated table (octet/kernels/FOLDER.rows) holds the rows that this build has.
file(STRINGS ${PROJECT_SOURCE_DIR}/kernels/cpu/isa.def _isa_rows REGEX "^OCTET_ISA\\(")
foreach(_row IN LISTS _isa_rows)
  string(REGEX MATCH "OCTET_ISA\\(([a-z0-9_]+), ([a-z0-9_]+), \"([^\"]*)\"\\)" _ "${_row}")
  set(_isa_arch_${CMAKE_MATCH_1} ${CMAKE_MATCH_2})
  set(_isa_flags_${CMAKE_MATCH_1} "${CMAKE_MATCH_3}")
endforeach()
string(REGEX REPLACE "^(AMD64|amd64)$" "x86_64" _octet_arch "${CMAKE_SYSTEM_PROCESSOR}")

# Rows of ARM64 that an x86-64 build tests by emulation have their sources in the global property
# octet_sources_<isa> too, and rows of their own (generated/emulated_arm).
function(octet_kernel_family folder)
  set(_dir ${PROJECT_SOURCE_DIR}/kernels/${folder})
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${_dir}/table.def)
  file(STRINGS ${_dir}/table.def _rows REGEX "^OCTET_KERNEL\\(")
  set(_kept "")
  set(_arm "")
  foreach(_row IN LISTS _rows)
    string(REGEX MATCH "OCTET_KERNEL\\(([a-z0-9_]+)\\)" _ "${_row}")
    set(_isa ${CMAKE_MATCH_1})
    if(_isa_arch_${_isa} STREQUAL "any" OR _isa_arch_${_isa} STREQUAL _octet_arch)
      string(APPEND _kept "OCTET_KERNEL(${_isa})\n")
      set(_source ${_dir}/${_isa}.cpp)
      target_sources(octet_kernels PRIVATE ${_source})
      set_property(GLOBAL APPEND PROPERTY octet_sources_${_isa} ${_source})
      separate_arguments(_flags UNIX_COMMAND "${_isa_flags_${_isa}}")
      if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
        # It emits SerialParallel's inline functions, with this file's instructions, as weak symbols.
        list(APPEND _flags -fno-devirtualize-speculatively)
        if(OCTET_SMALL)
          # Unwind tables only where an exception can pass, which the compiler knows once it writes them itself.
          list(APPEND _flags -fno-asynchronous-unwind-tables -fno-unwind-tables -fno-dwarf2-cfi-asm)
        endif()
        if(_octet_arch STREQUAL "aarch64")
          # Scheduling and moving expressions ahead of register allocation cost copies and spills.
          list(APPEND _flags -fno-schedule-insns -fno-tree-ter)
        endif()
      endif()
      if(OCTET_FUZZ AND NOT _isa STREQUAL "scalar")
        # Intrinsics, whose accesses the address sanitizer sees; the rest takes minutes a file.
        list(APPEND _flags -fno-sanitize=undefined -fno-sanitize=fuzzer-no-link)
      endif()
      set_source_files_properties(${_source} PROPERTIES SKIP_UNITY_BUILD_INCLUSION ON
        SKIP_PRECOMPILE_HEADERS ON COMPILE_OPTIONS "${_flags}")
    endif()
    if(_octet_arch STREQUAL "x86_64" AND _isa MATCHES "^(scalar|neon|neondot)$")
      string(APPEND _arm "OCTET_KERNEL(${_isa})\n")
      if(NOT _isa STREQUAL "scalar")
        set_property(GLOBAL APPEND PROPERTY octet_sources_${_isa} ${_dir}/${_isa}.cpp)
      endif()
    endif()
  endforeach()
  file(CONFIGURE OUTPUT ${PROJECT_BINARY_DIR}/generated/emulated_arm/octet/kernels/${folder}.rows
    CONTENT "${_arm}" @ONLY)
  set_property(GLOBAL APPEND PROPERTY octet_dispatch_sources ${_dir}/dispatch.cpp)
  file(CONFIGURE OUTPUT ${PROJECT_BINARY_DIR}/generated/octet/kernels/${folder}.rows
    CONTENT "${_kept}" @ONLY)
  file(GLOB _shared CONFIGURE_DEPENDS ${_dir}/common*.cpp ${_dir}/dispatch.cpp)
  target_sources(octet_kernels PRIVATE ${_shared})
endfunction()
