#!/bin/sh
# Makes build/venv, in which the zoo scripts run, on Debian 12. PyTorch comes from the distribution;
# only what Debian lacks comes from PyPI. Run from the root of the repository.
set -eu

packages="python3 python3-venv python3-numpy python3-torch python3-torchaudio python3-torchvision"

missing=""
for package in $packages; do
    dpkg -s "$package" 2>/dev/null | grep -q '^Status: install ok' || missing="$missing $package"
done
if [ -n "$missing" ]; then
    as_root=""
    [ "$(id -u)" -eq 0 ] || as_root="sudo"
    $as_root apt-get update
    # shellcheck disable=SC2086  # a list of words
    $as_root apt-get install -y --no-install-recommends $missing
fi

[ -x build/venv/bin/python ] || /usr/bin/python3 -m venv --system-site-packages build/venv
build/venv/bin/pip install --quiet "numpy<2" onnx onnxruntime "transformers==4.30.2"
echo "build/venv is ready: build/venv/bin/python models/export/zoo.py --out build/zoo"
