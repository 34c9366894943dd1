#!/usr/bin/env bash
# Runs the Go tests of the module; statement coverage of internal/ and sdk/ must be at least $1 percent.
set -euo pipefail
least=$1
profile=$(mktemp)
trap 'rm -f "$profile"' EXIT
packages=$(go list ./internal/... ./sdk/... | paste -sd, -)
go test -count=1 -coverprofile="$profile" -coverpkg="$packages" ./... | grep -v 'no test files' | sed -E 's/[[:space:]]+coverage:.*//'
go tool cover -func="$profile" | awk -v least="$least" '
	/^total:/ { sub("%", "", $3); total = $3 }
	END {
		printf "statement coverage of internal/ and sdk/: %s %%, at least %s %% is asked\n", total, least
		exit !(total + 0 >= least + 0)
	}'
