#!/usr/bin/env bash
# Debian packages for arm64 (liboctet0, liboctet-dev, liboctet-xnnpack, octet), cross-built in the
# folder of `./check --arm`; says where they are.
set -eu
cd "$(dirname "$0")/.."
. cmake/packages.sh g++-aarch64-linux-gnu dpkg-dev
build=build/aarch64
cmake/sysroot-arm64.sh build/arm64-sysroot
cmake --preset aarch64 ${OCTET_CMAKE_FLAGS:-} >/dev/null
cmake --build $build --target octet_cli octet_shared octet_quantize >/dev/null
(cd $build && cpack -G DEB >/dev/null)
ls $build/*.deb
