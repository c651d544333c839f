#!/usr/bin/env bash
# fuzz.sh SECONDS: libFuzzer's harnesses (tests/fuzz) one after the other, then mutants by number, each
# for its share of SECONDS, built with clang's address and undefined-behaviour sanitizers.
# What a harness finds is left in build/fuzz/findings.
set -eu
cd "$(dirname "$0")/.."
. cmake/packages.sh clang-14 libonnx-testdata
seconds=$1
models=/usr/share/libonnx-testdata/data
log=build/fuzz.log
mkdir -p build
cmake --preset fuzz -DOCTET_TESTS=ON >"$log" 2>&1 || { tail -n 40 "$log" >&2; exit 1; }
cmake --build build/fuzz --target octet_fuzzers >>"$log" 2>&1 || { tail -n 60 "$log" >&2; exit 1; }
export ASAN_OPTIONS=detect_leaks=0:allocator_may_return_null=1:abort_on_error=1
export UBSAN_OPTIONS=print_stacktrace=1
bin=$PWD/build/fuzz/bin
rm -rf build/fuzz/corpus && mkdir -p build/fuzz/findings
"$bin/octet_mutants" --corpus --out build/fuzz/corpus --models "$models"
status=0
share=$((seconds / 7 + 1))
for harness in wire import run quantize api isas; do
  mkdir -p "build/fuzz/found-$harness"
  if ! "$bin/octet_fuzz_$harness" -max_total_time=$share -timeout=20 -rss_limit_mb=3072 -max_len=16384 \
    -artifact_prefix=build/fuzz/findings/$harness- build/fuzz/found-$harness build/fuzz/corpus \
    >"build/fuzz/$harness.log" 2>&1; then
    status=1
    tail -n 40 "build/fuzz/$harness.log" >&2
  fi
  echo "fuzz $harness: $(grep -E '^Done|ERROR|SUMMARY' "build/fuzz/$harness.log" | tail -n 1)"
done
"$bin/octet_mutants" --count 1000000000 --seconds $share --jobs "$(nproc)" --out build/fuzz/findings \
  --models "$models" || status=1
exit $status
