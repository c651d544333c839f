#!/usr/bin/env bash
# ./check --arm: the ARM64 build under qemu-user, beside the x86-64 build of this machine. Kernels'
# tests on each of three CPUs, so that each instruction set is proven; quantization tests; and every
# bundled model and speech bundle in float and int8, whose outputs must have x86-64's bits.
# --kernels: the kernels' tests alone, of a build that has nothing else. --all: the other tests and the
# conformance cases too, on each CPU. Closes with the count: "N passed, N failed".
set -eu
cd "$(dirname "$0")/.."
others=""
[ "${1:-}" = --kernels ] || others="libonnx-testdata flite"
. cmake/packages.sh doctest-dev g++-aarch64-linux-gnu qemu-user $others
cases=/usr/lib/python3/dist-packages/onnx/backend/test/data/node
expected=tests/conformance/expected/libonnx_testdata.txt
sysroot=build/arm64-sysroot
out=build/check-arm
log=$out/log
cpus="cortex-a72 cortex-a76 max"
mkdir -p "$out"
case "${1:-}" in
--kernels) targets=octet_kernels_tests ;;
--all) targets=all ;;
*) targets="octet_cli octet_kernels_tests octet_quant_tests" ;;
esac
{
  cmake/sysroot-arm64.sh "$sysroot"
  cmake --preset aarch64 -DOCTET_TESTS=ON ${OCTET_CMAKE_FLAGS:-}
  cmake --build build/aarch64 --target $targets
  if [ "${1:-}" != --kernels ]; then
    [ -f build/release/build.ninja ] || cmake --preset release ${OCTET_CMAKE_FLAGS:-}
    cmake --build build/release --target octet_cli octet_demo
  fi
} >"$log" 2>&1 || { tail -n 40 "$log" >&2; exit 1; }

passed=0
failed=0
# run CPU PROGRAM ARGUMENT...: under qemu.
run() { qemu-aarch64 -cpu "$1" -L "$sysroot" "build/aarch64/bin/$2" "${@:3}"; }
# count_tests PROGRAM CPU...: a test program's cases, all CPUs at once.
count_tests() {
  local cpu counts program=$1
  for cpu in "${@:2}"; do
    { run "$cpu" "$program" >"$out/$program.$cpu" 2>&1 || echo "ended with $?" >>"$out/$program.$cpu"; } &
  done
  wait
  for cpu in "${@:2}"; do
    counts=$(sed -n 's/.*test cases: *[0-9]* | *\([0-9]*\) passed | *\([0-9]*\) failed.*/\1 \2/p' "$out/$program.$cpu")
    set -- "$program" ${counts:-0 1}
    if grep -q '^ended with' "$out/$program.$cpu"; then
      tail -n 60 "$out/$program.$cpu" >&2
      [ "$3" -ne 0 ] || set -- "$program" "$2" 1
    fi
    passed=$((passed + $2))
    failed=$((failed + $3))
    echo "$program on $cpu: $2 passed, $3 failed"
  done
}
# same_bits NAME MODEL SAMPLE: the outputs of both builds, on one ARM CPU after the other.
same_bits() {
  rm -rf "$out/x86"
  build/release/bin/octet run "$2" --inputs "$3" --output-dir "$out/x86" --threads 1 >/dev/null
  for cpu in $cpus; do
    rm -rf "$out/arm"
    if run $cpu octet run "$2" --inputs "$3" --output-dir "$out/arm" --threads 1 >/dev/null &&
      diff -rq "$out/x86" "$out/arm" >&2; then
      passed=$((passed + 1))
    else
      failed=$((failed + 1))
      echo "$1 on $cpu: not the bits of x86-64" >&2
    fi
  done
  rm -rf "$out/x86" "$out/arm"
}

# same_words BUNDLE: what both builds hear in the recording, with the scores of four hypotheses.
same_words() {
  local verb=transcribe
  ! grep -q '"task": *"translate"' "$1/bundle.json" || verb=translate
  hear() { "$@" $verb "$out/speech/command.wav" --model "$bundle" --nbest 4 --json --threads 1 |
    sed 's/"seconds_compute": *[^,}]*//'; }
  local bundle=$1
  hear build/release/bin/octet >"$out/x86.json"
  for cpu in $cpus; do
    if hear run $cpu octet >"$out/arm.json" && cmp -s "$out/x86.json" "$out/arm.json"; then
      passed=$((passed + 1))
    else
      failed=$((failed + 1))
      echo "$(basename "$1") on $cpu: hears otherwise than x86-64" >&2
    fi
  done
}

count_tests octet_kernels_tests $cpus
if [ "${1:-}" = --kernels ]; then
  echo "$passed passed, $failed failed"
  exit $((failed > 0))
fi
if [ "${1:-}" = --all ]; then
  for program in quant ops runtime importers; do count_tests octet_${program}_tests $cpus; done
  # The bundled cases, then the standard's.
  for cpu in $cpus; do
    for folder in "" "$cases"; do
      counts=$(run $cpu octet conformance ${folder:+"$folder" --expect "$expected"} 2>>"$log" |
        sed -n 's/^\([0-9]*\) passed, \([0-9]*\) failed.*/\1 \2/p')
      set -- --all ${counts:-0 1}
      passed=$((passed + $2))
      failed=$((failed + $3))
      echo "conformance on $cpu${folder:+ of the standard}: $2 passed, $3 failed"
    done
  done
else
  count_tests octet_quant_tests cortex-a72
fi
build/release/bin/octet_demo prepare models "$out" >/dev/null
for model in models/*/*.onnx; do
  name=$(basename "$model" .onnx)
  sample=$(find "$out/$name.calibration" -type f | sort | head -n 1)
  for mode in static dynamic; do
    build/release/bin/octet quantize "$model" -o "$out/$name.$mode.onnx" --mode $mode --cost-model off \
      --calibration "$out/$name.calibration" >/dev/null
    same_bits "$name.$mode" "$out/$name.$mode.onnx" "$sample"
  done
  same_bits "$name" "$model" "$sample"
done
mkdir -p "$out/speech"
# At the bundles' own rate: what resamples others is no part of octet.
flite -voice slt -t "turn off the light in the kitchen" -o "$out/speech/command.wav"
for bundle in models/speech/*/; do
  name=$(basename "$bundle")
  rm -rf "$out/$name.int8"
  build/release/bin/octet quantize "$bundle" -o "$out/$name.int8" --cost-model off \
    --calibration "$out/speech" >/dev/null
  same_words "$bundle"
  same_words "$out/$name.int8"
done
echo "bundled models: compared with x86-64"
echo "$passed passed, $failed failed"
[ $failed -eq 0 ]
