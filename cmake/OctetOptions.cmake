# octet_options: what every target of ours compiles with.
set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/bin)

add_library(octet_options INTERFACE)
# g++ contracts a*b+c by default; results must be the same on every instruction set.
target_compile_options(octet_options INTERFACE -ffp-contract=off -fvisibility=hidden
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

# octet_small(TARGET): each function in a section of its own, so that the linker drops what nobody calls.
# octet_cold(TARGET): besides, code that runs while models are loaded, not while they run, by its size.
function(octet_small target)
  if(OCTET_SMALL)
    target_compile_options(${target} PRIVATE -ffunction-sections -fdata-sections)
  endif()
endfunction()
function(octet_cold target)
  octet_small(${target})
  if(OCTET_SMALL)
    target_compile_options(${target} PRIVATE -Os)
  endif()
endfunction()
