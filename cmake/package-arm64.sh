#!/usr/bin/env bash
# Debian packages for arm64 (liboctet0, liboctet-dev, octet), cross-built; says where they are.
set -eu
cd "$(dirname "$0")/.."
. cmake/packages.sh g++-aarch64-linux-gnu dpkg-dev
build=build/aarch64-package
cmake/sysroot-arm64.sh build/arm64-sysroot
cmake --preset aarch64 -B $build ${OCTET_CMAKE_FLAGS:-} >/dev/null
cmake --build $build
(cd $build && cpack -G DEB >/dev/null)
ls $build/*.deb
