#!/usr/bin/env bash
# conformance.sh FOLDER: the test data of onnx 1.17 in FOLDER/data, downloaded where they are missing.
set -eu
version=1.17.0
folder=$1
[ -d "$folder/data/node" ] && exit 0
mkdir -p "$folder"
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" -q download --no-deps --only-binary :all: -d "$folder" "onnx==$version"
python3 - "$folder" <<'PYTHON'
import glob, os, sys, zipfile
folder = sys.argv[1]
prefix = "onnx/backend/test/data/"
with zipfile.ZipFile(glob.glob(os.path.join(folder, "onnx-*.whl"))[0]) as wheel:
    wheel.extractall(folder, [name for name in wheel.namelist() if name.startswith(prefix)])
os.replace(os.path.join(folder, prefix), os.path.join(folder, "data"))
PYTHON
rm -rf "$folder"/venv "$folder"/onnx-*.whl "$folder/onnx"
