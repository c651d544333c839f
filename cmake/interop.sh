#!/usr/bin/env bash
# Makes the virtual environment $1 of what tests/interop/requirements.txt pins; once.
set -eu
wanted=$(dirname "$0")/../tests/interop/requirements.txt
if cmp -s "$wanted" "$1/requirements.txt" && "$1/bin/python" -c ''; then exit 0; fi
rm -rf "$1"
python3 -m venv "$1"
"$1/bin/pip" install --disable-pip-version-check --quiet --retries 1 --timeout 30 -r "$wanted"
"$1/bin/python" -c 'import onnx, onnxruntime'
cp "$wanted" "$1/requirements.txt"
