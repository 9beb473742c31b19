#!/bin/sh
# Builds one of the systems we compare ourselves with out of its Go module into a cache directory, and prints where it
# is. Some minutes each the first time. Needs go (1.24 or newer).
# Run: bench/peers/build.sh NAME [VERSION]; the names are those of the first `case`.
set -eu
name=${1:?what to build: kube-apiserver, kube-proxy, kube-controller-manager, kube-scheduler, coredns, e2e.test, ...}
version=v1.34.2
case $name in
  kube-apiserver | kube-proxy | kube-controller-manager | kube-scheduler) package=./cmd/$name ;;
  # Kubernetes' own end-to-end tests, what runs them side by side, and the programs of their images.
  e2e.test) package=./test/e2e ;;
  ginkgo) package=github.com/onsi/ginkgo/v2/ginkgo ;;
  agnhost | nonewprivs | regression-issue-74839 | resource-consumer) package=./test/images/$name ;;
  consume-cpu) package=./test/images/resource-consumer/consume-cpu ;;
  sample-apiserver) package=k8s.io/sample-apiserver ;;
  coredns) package=. version=v1.12.4 ;;
  *)
    echo "$name is not known here: look at the start of $0" >&2
    exit 2
    ;;
esac
version=${2:-$version}
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
  [ -n "$module" ] || {
    echo "go could not download $1@$version: see above" >&2
    exit 1
  }
  source=$cache/source-$name-$version
  rm -rf "$source"
  mkdir "$source"
  trap 'rm -rf "$source"' EXIT
  cp -r "$module/." "$source"
  chmod -R u+w "$source"
  cd "$source"
}

case $name in
  coredns) unpack github.com/coredns/coredns ;;
  *)
    unpack k8s.io/kubernetes
    # In the module's own go.mod its libraries are directories of the source repository, which the module does not carry:
    # the same versions are modules of their own, v1.34.2 as v0.34.2.
    rm -rf vendor
    sed -i -E "s#(k8s\\.io/[a-z0-9-]+) => \\./staging/src/.*#\\1 => \\1 v0.${version#v1.}#" go.mod
    ;;
esac
case $name in
  *.test) compile='test -c' ;;
  *) compile=build ;;
esac
told=k8s.io/component-base/version
minor=$(echo "${version#v1.}" | cut -d . -f 1)
# $compile is two words for a test.
# shellcheck disable=SC2086
GOWORK=off GOFLAGS=-mod=mod CGO_ENABLED=0 nice -n 10 go $compile -buildvcs=false \
  -ldflags "-s -w -X $told.gitVersion=$version -X $told.gitMajor=1 -X $told.gitMinor=$minor" \
  -o "$binary.part" "$package" >&2
mv "$binary.part" "$binary"
echo "$binary"
