#!/usr/bin/env bash
# Builds the binary for each platform into dist/, with checksums. Usage: release.sh VERSION os/arch...
set -euo pipefail
version=$1
shift
rm -rf dist
mkdir dist
for platform in "$@"; do
	os=${platform%/*} arch=${platform#*/} suffix=""
	[ "$os" = windows ] && suffix=.exe
	CGO_ENABLED=0 GOOS=$os GOARCH=$arch go build -trimpath -buildvcs=false \
		-ldflags "-s -w -buildid= -X main.version=$version" -o "dist/jindu-$version-$os-$arch$suffix" ./cmd/jindu
done
(cd dist && sha256sum jindu-* >SHA256SUMS && cat SHA256SUMS)
