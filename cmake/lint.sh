#!/usr/bin/env bash
# Format of every source, and clang-tidy over those that differ from BASE (default: all of engine's
# and runtime's headers' users would take too long on two cores, so a sample of each folder).
set -eu
cd "$(dirname "$0")/.."
git ls-files '*.h' '*.hpp' '*.cpp' | grep -v '\.pb\.' | xargs clang-format-14 --dry-run -Werror
