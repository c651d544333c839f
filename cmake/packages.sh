# Sourced by ./demo and ./check: installs what is missing, as root or through sudo.
packages="g++ cmake ninja-build pkg-config protobuf-compiler libprotobuf-dev libdnnl-dev
  libxnnpack-dev libpthreadpool-dev libspdlog-dev libcli11-dev nlohmann-json3-dev libzip-dev
  libsndfile1-dev libsoxr-dev libre2-dev $*"
missing=""
for package in $packages; do
  dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'install ok installed' ||
    missing="$missing $package"
done
if [ -n "$missing" ]; then
  root=""
  [ "$(id -u)" -eq 0 ] || root=sudo
  echo "installing:$missing" >&2
  $root apt-get update -qq >&2
  $root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing >&2
fi
