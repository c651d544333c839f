#!/bin/sh
# Makes Doxygen's comments of a C header's plain ones: the file's, those above a declaration, and those
# behind one.
exec sed -E \
  -e '1s|^/\* |/** \\file\n * |' \
  -e 's|^( *)/\* |\1/** |' \
  -e 's|^(.*[;,{)] *)/\* |\1/**< |' \
  -e 's|^( *[A-Z0-9_]+( = [A-Z0-9_]+)? +)/\* |\1/**< |' "$1"
