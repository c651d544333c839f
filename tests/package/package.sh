#!/usr/bin/env bash
# package.sh BUILD SOURCE WORK: installs what is built into WORK, builds the outside examples against it
# and runs them; the library exports the symbols of exported.txt and no others.
set -eu
build=$(realpath "$1") source=$(realpath "$2") work=$(realpath -m "$3")
rm -rf "$work"
mkdir -p "$work"
for component in library development tools; do
  cmake --install "$build" --prefix "$work/usr" --component $component >/dev/null
done
library=$(find "$work/usr" -name 'liboctet.so')
export LD_LIBRARY_PATH=$(dirname "$library") PKG_CONFIG_PATH=$(dirname "$library")/pkgconfig
model=$source/models/digits_mlp/digits_mlp.onnx

nm -D --defined-only "$library" | sed -n 's/^.* T //p' | LC_ALL=C sort >"$work/exported.txt"
diff "$source/tests/package/exported.txt" "$work/exported.txt"
[ "$(nm -D --defined-only "$library" | grep -cv ' T ')" = 0 ]

cmake -S "$source/examples/cmake" -B "$work/cmake" -DCMAKE_PREFIX_PATH="$work/usr" >/dev/null
cmake --build "$work/cmake" >/dev/null
"$work/cmake/classify" "$model" | tail -n 1
for example in pkg-config c; do
  cp -r "$source/examples/$example" "$work/"
  make -C "$work/$example" >/dev/null
done
"$work/pkg-config/threads" "$model"
"$work/c/run" "$model"
if "$work/c/run" "$work/none.onnx" 2>"$work/message"; then exit 1; fi
grep -q "none.onnx" "$work/message"
"$work/usr/bin/octet" --version
