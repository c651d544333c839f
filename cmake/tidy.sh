#!/usr/bin/env bash
# clang-tidy, as .clang-tidy says, over everything but tests and the instruction sets' own files.
set -eu
cd "$(dirname "$0")/.."
. cmake/packages.sh clang-14 clang-tidy-14 libclang-common-14-dev
cmake -S . -B build/tidy -G Ninja -DCMAKE_CXX_COMPILER=clang++-14 -DCMAKE_C_COMPILER=clang-14 \
  -DCMAKE_EXPORT_COMPILE_COMMANDS=ON -DOCTET_UNITY=ON -DOCTET_TESTS=OFF \
  -DCMAKE_DISABLE_PRECOMPILE_HEADERS=ON >/dev/null
ninja -C build/tidy importers/generated/octet_onnx.pb.h >/dev/null
! grep -q serve/generated/service.desc build/tidy/build.ninja ||
  ninja -C build/tidy serve/generated/service.desc >/dev/null
sed -n 's/.*"file": "\(.*\)".*/\1/p' build/tidy/compile_commands.json |
  grep -Ev '/kernels/[a-z0-9_]*/(scalar|dispatch|avx|neon|i8mm)[a-z0-9]*\.cpp$|\.pb\.cc$' |
  xargs -n 1 -P "$(nproc)" clang-tidy-14 -p build/tidy --quiet 2>/dev/null || status=1
[ "${status:-0}" -eq 0 ] && echo "clang-tidy: clean"
exit "${status:-0}"
