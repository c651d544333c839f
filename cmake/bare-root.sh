#!/usr/bin/env bash
# bare-root.sh BUILD ROOT: installs the packages that `cpack` made in BUILD into a bare Debian 12 of their
# architecture in the folder ROOT (made with debootstrap where it isn't there), builds and runs the outside
# examples there, with its own compiler, and transcribes a spoken command. As root. Programs of arm64 run
# by qemu-user, which this registers with the kernel (binfmt_misc).
set -eu
build=$(realpath "$1") root=$(realpath -m "$2")
source=$(realpath "$(dirname "$0")/..")
debs=("$build"/*.deb)
architecture=$(dpkg-deb --field "${debs[0]}" Architecture)
tools="debootstrap espeak-ng"
[ "$architecture" = "$(dpkg --print-architecture)" ] || tools="$tools qemu-user-static binfmt-support"
. "$source/cmake/packages.sh" $tools
[ "$architecture" = "$(dpkg --print-architecture)" ] || update-binfmts --enable qemu-aarch64
if [ ! -e "$root/usr/bin/g++" ]; then
  debootstrap --arch="$architecture" --variant=minbase --include=g++,make,cmake,pkg-config bookworm "$root"
fi
rm -rf "$root/octet"
mkdir "$root/octet"
cp "${debs[@]}" "$root/octet/"
cp -r "$source/examples" "$source/models/speech/commands_lstm" "$root/octet/"
cp "$source/models/digits_mlp/digits_mlp.onnx" "$source/tests/package/quantize.c" "$root/octet/"
espeak-ng -w "$root/octet/command.wav" "turn off the light in the kitchen"
cp /etc/resolv.conf "$root/etc/resolv.conf"
# By /proc a program finds its folder, and XNNPACK the processor by both.
mount -t proc proc "$root/proc"
mount -t sysfs sysfs "$root/sys"
trap 'umount "$root/proc" "$root/sys"' EXIT
in_root() { chroot "$root" env DEBIAN_FRONTEND=noninteractive LC_ALL=C bash -euc "$1"; }
in_root 'apt-get update -qq && apt-get install -y -qq --no-install-recommends --reinstall /octet/*.deb >/dev/null'
in_root 'cd /octet/examples
cmake -S cmake -B build >/dev/null
cmake --build build >/dev/null
for example in pkg-config c custom_op custom_provider; do make -C $example >/dev/null; done
build/classify /octet/digits_mlp.onnx | tail -n 1
pkg-config/threads /octet/digits_mlp.onnx
c/run /octet/digits_mlp.onnx
gcc -o quantize /octet/quantize.c $(pkg-config --cflags --libs octet)
./quantize /octet/digits_mlp.onnx digits_mlp.int8.onnx
c/run digits_mlp.int8.onnx
octet bench custom_op/soft_threshold.onnx --shape x=1000 --seconds 0.1 --ops custom_op/soft_threshold.so
octet bench custom_provider/relu_product.onnx --shape x=5x3 --seconds 0.1 --ops custom_provider/plain.so --provider plain
for provider in onednn xnnpack; do
  module=$(find /usr/lib -name "octet_$provider.so")
  [ -z "$module" ] || octet bench /octet/digits_mlp.onnx --provider $provider --seconds 0.1
done
octet transcribe /octet/command.wav --model /octet/commands_lstm
octet --version'
