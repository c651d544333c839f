#!/usr/bin/env bash
# An arm64 Python and ONNX Runtime's wheel in the folder $1, for `qemu-aarch64 -L $1`; once.
set -eu
cd "$(dirname "$0")/../.."
root=$(realpath -m "$1")
cmake/sysroot-arm64.sh "$root" python3.11 libstdc++6
[ ! -e "$root/site/onnxruntime" ] || exit 0
mkdir -p "$root/proc" "$root/wheels"
platforms=$(printf -- '--platform manylinux_2_%s_aarch64 ' 17 27 28)
python3 -m pip -q download --disable-pip-version-check $platforms --platform manylinux2014_aarch64 --python-version 3.11 \
  --only-binary=:all: -d "$root/wheels" onnxruntime==1.32.0
for wheel in "$root"/wheels/*.whl; do python3 -m zipfile -e "$wheel" "$root/site"; done
