#!/usr/bin/env bash
# core-symbols.sh NM MAP VERSION OUT OBJECT...: what the objects of a module take of the library, as OUT.map,
# the version script MAP and a version that exports it, and as OUT.options, which keep the linker from leaving
# it out.
set -eu
nm=$1 map=$2 version=$3 out=$4
shift 4
taken=$(LC_ALL=C comm -23 <("$nm" -u "$@" | sed -n 's/^ *U \(_Z.*octet.*\)/\1/p' | LC_ALL=C sort -u) \
  <("$nm" --defined-only "$@" | awk 'NF == 3 { print $3 }' | LC_ALL=C sort -u))
{ cat "$map" && echo "$version { global:" && sed 's/$/;/' <<<"$taken" && echo "};"; } >"$out.map"
sed 's/^/-Wl,-u,/' <<<"$taken" >"$out.options"
