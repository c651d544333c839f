#!/usr/bin/env bash
# package.sh BUILD SOURCE WORK [BYTES]: installs what is built into WORK, builds the outside examples against
# it and runs them; the library exports the symbols of exported.txt to them and no others, and takes no more
# than BYTES when it is stripped.
set -eu
build=$(realpath "$1") source=$(realpath "$2") work=$(realpath -m "$3")
rm -rf "$work"
mkdir -p "$work"
for component in library development tools onednn xnnpack grpc; do
  cmake --install "$build" --prefix "$work/usr" --component $component >/dev/null
done
library=$(find "$work/usr" -name 'liboctet.so')
export LD_LIBRARY_PATH=$(dirname "$library") PKG_CONFIG_PATH=$(dirname "$library")/pkgconfig
model=$source/models/digits_mlp/digits_mlp.onnx

# To programs the library exports what exported.txt says, to the quantizer's module what that takes, by a
# version of its own, and nothing to others.
quantizer=$(dirname "$library")/octet/octet_quantize.so
nm -D --defined-only "$library" | awk '$2 != "A" { print $2, $3 }' | LC_ALL=C sort >"$work/symbols"
sed -n 's/^T \(.*\)@@OCTET_0$/\1/p' "$work/symbols" | diff "$source/tests/package/exported.txt" -
sed '/@@OCTET_0$/d; s/^. //' "$work/symbols" | LC_ALL=C sort >"$work/private"
if [ -e "$quantizer" ]; then nm -D -u "$quantizer"; fi |
  sed -n 's/^ *U \(.*\)@\(OCTET_PRIVATE_.*\)$/\1@@\2/p' | LC_ALL=C sort | diff "$work/private" -

if [ -n "${4:-}" ]; then
  strip -o "$work/stripped.so" "$library"
  bytes=$(stat -c %s "$work/stripped.so")
  echo "liboctet.so, stripped: $bytes bytes"
  [ "$bytes" -le "$4" ]
fi

cmake -S "$source/examples/cmake" -B "$work/cmake" -DCMAKE_PREFIX_PATH="$work/usr" >/dev/null
cmake --build "$work/cmake" >/dev/null
"$work/cmake/classify" "$model" | tail -n 1
for example in pkg-config c custom_op custom_provider; do
  cp -r "$source/examples/$example" "$work/"
  make -C "$work/$example" >/dev/null
done
"$work/pkg-config/threads" "$model"
"$work/c/run" "$model"
if "$work/c/run" "$work/none.onnx" 2>"$work/message"; then exit 1; fi
grep -q "none.onnx" "$work/message"
# The operator's module needs nothing of the library.
module=$work/custom_op/soft_threshold.so
if ldd "$module" | grep -q liboctet; then exit 1; fi
"$work/usr/bin/octet" bench "$work/custom_op/soft_threshold.onnx" --shape x=1000 --seconds 0.1 --ops "$module"
# So does the provider's, which runs what it claims where it is asked for.
module=$work/custom_provider/plain.so
if ldd "$module" | grep -q liboctet; then exit 1; fi
"$work/usr/bin/octet" bench "$work/custom_provider/relu_product.onnx" --shape x=5x3 --seconds 0.1 \
  --ops "$module" --provider plain --log-level debug 2>"$work/message"
[ "$(grep -c '(plain,' "$work/message")" = 2 ]
# Providers are found beside the library and the program, which link neither; without their modules
# they are refused.
if ldd "$library" "$work/usr/bin/octet" | grep -E 'dnnl|XNNPACK|grpc'; then exit 1; fi
for provider in onednn xnnpack; do
  module=$(dirname "$library")/octet/octet_$provider.so
  [ -e "$module" ] || continue
  "$work/usr/bin/octet" bench "$model" --provider "$provider" --seconds 0.1 --log-level debug \
    >/dev/null 2>"$work/message"
  grep -q "($provider," "$work/message"
  mv "$module" "$module.gone"
  if "$work/usr/bin/octet" bench "$model" --provider "$provider" --seconds 0.1 2>"$work/message"; then exit 1; fi
  grep -q "there is no provider '$provider'" "$work/message"
  mv "$module.gone" "$module"
done
# So is the quantizer, which the program has within. It knows the operators that the process registered; one of
# another release is refused.
cc -std=c99 -o "$work/quantize" "$source/tests/package/quantize.c" $(pkg-config --cflags --libs octet)
module=$work/custom_op/soft_threshold.so
"$work/quantize" "$model" "$work/quantized.onnx"
"$work/usr/bin/octet" quantize "$model" -o "$work/by_program.onnx" --mode dynamic >/dev/null
cmp "$work/quantized.onnx" "$work/by_program.onnx"
"$work/quantize" "$work/custom_op/soft_threshold.onnx" "$work/custom.onnx" "$module"
"$work/usr/bin/octet" bench "$work/custom.onnx" --shape x=1000 --seconds 0.1 --ops "$module" >/dev/null
if [ -e "$quantizer" ]; then
  mv "$quantizer" "$quantizer.gone"
  if "$work/quantize" "$model" "$work/none.onnx" 2>"$work/message"; then exit 1; fi
  grep -q "the module octet_quantize.so isn't there" "$work/message"
  LC_ALL=C sed 's/OCTET_PRIVATE_0/OCTET_PRIVATE_x/g' "$quantizer.gone" >"$quantizer"
  if "$work/quantize" "$model" "$work/none.onnx" 2>"$work/message"; then exit 1; fi
  grep -q "version .OCTET_PRIVATE_x.* not found" "$work/message"
fi
"$work/usr/bin/octet" --version
