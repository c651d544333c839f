# octet_options: what every target of ours compiles with.
set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/bin)

# The quantizer is a module of its own where OCTET_SMALL asks for a small library, and takes what it needs of
# the library: there the linker, not the compiler, hides the rest of it.
set(OCTET_CORE_OPTIONS -fvisibility=hidden)
if(OCTET_SMALL)
  set(OCTET_CORE_OPTIONS -fvisibility=default -fvisibility-inlines-hidden -fno-semantic-interposition)
endif()

add_library(octet_options INTERFACE)
# g++ contracts a*b+c by default; results must be the same on every instruction set.
target_compile_options(octet_options INTERFACE -ffp-contract=off
  "$<IF:$<BOOL:$<TARGET_PROPERTY:OCTET_CORE>>,${OCTET_CORE_OPTIONS},-fvisibility=hidden>"
  -Wall -Wextra -Wshadow -Wconversion -Wno-sign-conversion)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # False positives of g++ 12 in the standard library at -O2.
  target_compile_options(octet_options INTERFACE -Wno-maybe-uninitialized -Wno-restrict
    -Wno-stringop-overflow -Wno-array-bounds -Wno-dangling-pointer)
endif()
if(OCTET_WERROR)
  target_compile_options(octet_options INTERFACE -Werror)
endif()
if(OCTET_SANITIZE)
  target_compile_options(octet_options INTERFACE -fsanitize=${OCTET_SANITIZE}
    -fno-sanitize-recover=all -fno-omit-frame-pointer)
  target_link_options(octet_options INTERFACE -fsanitize=${OCTET_SANITIZE})
endif()
find_package(Threads REQUIRED)
target_link_libraries(octet_options INTERFACE Threads::Threads)

# octet_small(TARGET): where OCTET_SMALL asks for it, compiled by its size, each function in a section of its
# own, so that the linker drops what nobody calls. octet_fast names the files that are exceptions.
set(OCTET_SMALL_OPTIONS -Os -ffunction-sections -fdata-sections)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # Both make copies of a template's functions that are local to each file, where the linker would keep one.
  list(APPEND OCTET_SMALL_OPTIONS -fno-ipa-sra -fno-declone-ctor-dtor)
  set(OCTET_FAST_OPTIONS -fipa-sra)
endif()
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_SYSTEM_PROCESSOR MATCHES "^(x86_64|AMD64)$")
  # Copies by the C library: `rep movs`, which -Os takes, starts slowly.
  list(APPEND OCTET_SMALL_OPTIONS -mstringop-strategy=libcall)
endif()
function(octet_small target)
  if(OCTET_SMALL)
    target_compile_options(${target} PRIVATE ${OCTET_SMALL_OPTIONS})
  endif()
endfunction()
# octet_core(TARGET): a part of the library that is made small, and of which modules of ours may take symbols.
function(octet_core target)
  octet_small(${target})
  set_target_properties(${target} PROPERTIES OCTET_CORE ON)
endfunction()
include(OctetFast)
