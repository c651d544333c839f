#!/usr/bin/env bash
# Unpacks Debian's arm64 libraries into the folder $1, for cmake/toolchains/aarch64.cmake and
# qemu-aarch64 -L; once. Its package lists are private: nothing of this machine's own is touched.
# $1/shlibs says which package a library is from, for cmake/CrossDepends.cmake. Further arguments are
# packages to unpack in place of what octet needs, programs included.
set -eu
packages="libc6 libstdc++6 libprotobuf-dev libspdlog-dev libzip-dev libxnnpack-dev libpthreadpool-dev
  doctest-dev libcli11-dev nlohmann-json3-dev libsndfile1-dev libsoxr-dev libre2-dev"
programs=--exclude=./usr/bin
if [ $# -gt 1 ]; then packages=${*:2} programs=--exclude=./none; fi
root=$(realpath -m "$1")
if [ "$(cat "$root/packages" 2>/dev/null)" = "$packages" ] && [ -e "$root/shlibs" ]; then exit 0; fi
rm -rf "$root"
mkdir -p "$root/apt/lists/partial" "$root/apt/archives/partial" "$root/usr/lib"
ln -s usr/lib "$root/lib"  # one folder of libraries, as on an installed system
touch "$root/apt/status"
apt() {
  apt-get -qq -o APT::Architecture=arm64 -o APT::Architectures=arm64 -o Dir::State="$root/apt" \
    -o Dir::State::status="$root/apt/status" -o Dir::Cache="$root/apt" -o Debug::NoLocking=1 \
    -o APT::Sandbox::User=root -o APT::Update::Post-Invoke::= -o APT::Update::Post-Invoke-Success::= "$@"
}
apt update
apt install -y --no-install-recommends --download-only $packages
for archive in "$root"/apt/archives/*.deb; do
  case $(basename "$archive") in
    # Headers of the C library come with the cross compiler; the rest are programs.
    libc6-dev_* | linux-libc-dev_* | *-doc_* | catch2_* | libcatch2* | perl* | debconf* | dpkg_* | tar_*) ;;
    *) dpkg-deb --fsys-tarfile "$archive" |
      tar -x -C "$root" --keep-directory-symlink --exclude=./usr/share/doc --exclude=./usr/share/man $programs
      dpkg-deb --ctrl-tarfile "$archive" | tar -xO --wildcards './shlib[s]' >>"$root/shlibs" 2>/dev/null || true ;;
  esac
done
rm -rf "$root/apt"
echo "$packages" >"$root/packages"
