#!/bin/sh
# Builds kube-apiserver out of its Go module into a cache directory, and prints where it is. Some minutes the first time.
# Needs go (1.24 or newer); to run what it builds, etcd has to be on PATH (Debian: etcd-server).
# Run: bench/peers/build-kube-apiserver.sh [VERSION]
set -eu
version=${1:-v1.34.2}
cache=${XDG_CACHE_HOME:-$HOME/.cache}/clusterip-peers
binary=$cache/kube-apiserver-$version
if [ -x "$binary" ]; then
  echo "$binary"
  exit 0
fi
command -v go >/dev/null || {
  echo "go is not installed: see https://go.dev/dl, or install the package golang-go" >&2
  exit 1
}
mkdir -p "$cache"
# In the module's own go.mod its libraries are directories of the source repository, which the module does not carry:
# the same versions are modules of their own, v1.34.2 as v0.34.2.
libraries=v0.${version#v1.}
module=$(go mod download -json "k8s.io/kubernetes@$version" | sed -n 's/.*"Dir": "\(.*\)".*/\1/p')
source=$cache/kubernetes-$version
rm -rf "$source"
mkdir "$source"
trap 'rm -rf "$source"' EXIT
cp -r "$module/." "$source"
chmod -R u+w "$source"
cd "$source"
rm -rf vendor
sed -i -E "s#(k8s\\.io/[a-z0-9-]+) => \\./staging/src/.*#\\1 => \\1 $libraries#" go.mod
package=k8s.io/component-base/version
minor=$(echo "${version#v1.}" | cut -d . -f 1)
GOWORK=off GOFLAGS=-mod=mod CGO_ENABLED=0 nice -n 10 go build -buildvcs=false \
  -ldflags "-s -w -X $package.gitVersion=$version -X $package.gitMajor=1 -X $package.gitMinor=$minor" \
  -o "$binary.part" ./cmd/kube-apiserver >&2
mv "$binary.part" "$binary"
echo "$binary"
