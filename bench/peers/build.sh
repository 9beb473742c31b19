#!/bin/sh
# Builds one of the systems we compare ourselves with out of its Go module into a cache directory, and prints where it
# is. Some minutes each the first time. Needs go (1.24 or newer).
# Run: bench/peers/build.sh kube-apiserver|kube-proxy|kube-controller-manager|kube-scheduler|coredns [VERSION]
set -eu
name=${1:?which: kube-apiserver, kube-proxy, kube-controller-manager, kube-scheduler or coredns}
case $name in
  kube-apiserver | kube-proxy | kube-controller-manager | kube-scheduler) version=${2:-v1.34.2} ;;
  coredns) version=${2:-v1.12.4} ;;
  *)
    echo "$name is not known here: kube-apiserver, kube-proxy, kube-controller-manager, kube-scheduler or coredns" >&2
    exit 2
    ;;
esac
cache=${XDG_CACHE_HOME:-$HOME/.cache}/clusterip-peers
binary=$cache/$name-$version
if [ -x "$binary" ]; then
  echo "$binary"
  exit 0
fi
command -v go >/dev/null || {
  echo "go is not installed: see https://go.dev/dl, or install the package golang-go" >&2
  exit 1
}
mkdir -p "$cache"

# Copies the sources of module $1 to $source, where they may be changed.
unpack() {
  module=$(go mod download -json "$1@$version" | sed -n 's/.*"Dir": "\(.*\)".*/\1/p')
  source=$cache/source-$name-$version
  rm -rf "$source"
  mkdir "$source"
  trap 'rm -rf "$source"' EXIT
  cp -r "$module/." "$source"
  chmod -R u+w "$source"
  cd "$source"
}

build() {
  GOWORK=off GOFLAGS=-mod=mod CGO_ENABLED=0 nice -n 10 go build -buildvcs=false "$@" >&2
}

if [ "$name" = coredns ]; then
  unpack github.com/coredns/coredns
  build -ldflags '-s -w' -o "$binary.part" .
else
  unpack k8s.io/kubernetes
  # In the module's own go.mod its libraries are directories of the source repository, which the module does not carry:
  # the same versions are modules of their own, v1.34.2 as v0.34.2.
  rm -rf vendor
  sed -i -E "s#(k8s\\.io/[a-z0-9-]+) => \\./staging/src/.*#\\1 => \\1 v0.${version#v1.}#" go.mod
  package=k8s.io/component-base/version
  minor=$(echo "${version#v1.}" | cut -d . -f 1)
  build -ldflags "-s -w -X $package.gitVersion=$version -X $package.gitMajor=1 -X $package.gitMinor=$minor" \
    -o "$binary.part" "./cmd/$name"
fi
mv "$binary.part" "$binary"
echo "$binary"
