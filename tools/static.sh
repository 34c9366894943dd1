#!/usr/bin/env bash
# Proves that the Linux binaries are static, under 40 MB, and the same when built again elsewhere.
set -euo pipefail
version=$(cat VERSION)
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT

build() { # source directory, arch, output
	(cd "$1" && CGO_ENABLED=0 GOOS=linux GOARCH=$2 go build -trimpath -buildvcs=false \
		-ldflags "-s -w -buildid= -X main.version=$version" -o "$3" ./cmd/jindu)
}

for arch in amd64 arm64 loong64; do
	build . "$arch" "$out/$arch"
	if readelf -l "$out/$arch" | grep -q INTERP; then
		echo "linux/$arch: not static: it names an interpreter" >&2
		exit 1
	fi
	size=$(stat -c %s "$out/$arch")
	[ "$size" -lt 40000000 ] || { echo "linux/$arch: $size bytes, at most 40000000 are allowed" >&2; exit 1; }
	echo "linux/$arch: static, $size bytes"
done

# A second build from a copy of the tree at another path must give the same bytes.
mkdir "$out/copy"
git ls-files -z | tar --null -T - -cf - | tar -xf - -C "$out/copy"
build "$out/copy" amd64 "$out/again"
cmp "$out/amd64" "$out/again"
echo "linux/amd64: reproducible, sha256 $(sha256sum "$out/amd64" | cut -d' ' -f1)"
