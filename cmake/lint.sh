#!/usr/bin/env bash
# The format of every source, as .clang-format says.
set -eu
cd "$(dirname "$0")/.."
git ls-files '*.h' '*.hpp' '*.cpp' '*.inl' | xargs clang-format-14 --dry-run -Werror
echo "format: clean"
