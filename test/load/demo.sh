#!/usr/bin/env bash
# The main job without a screen: a clean run must end done at 100 %, runs with a defect must end rolled
# back at 0 %, naming what differed. Usage: demo.sh [DEFECT...]
set -euo pipefail
cd "$(dirname "$0")/../.."
reports=$(mktemp -d)
trap 'rm -rf "$reports"' EXIT

failed=0 passed=0
expect() { # name, jq condition, demo arguments
	local name=$1 condition=$2 report="$reports/$1.json"
	shift 2
	if ! bin/jindu demo --headless --fast --report "$report" "$@" >"$reports/$name.log" 2>&1; then
		echo "$name: exit code not 0"
		tail -n 40 "$reports/$name.log"
		failed=$((failed + 1))
		return
	fi
	jq -c . "$report"
	if jq -e "$condition" "$report" >/dev/null; then
		passed=$((passed + 1))
	else
		echo "$name: the report does not say: $condition"
		failed=$((failed + 1))
	fi
}

expect clean '.phase == "done" and .share == 100 and .errors == 0 and .exposed == 0 and .requests > 0'
[ $# -gt 0 ] || set -- rounding refusals slowness late-mismatch
for defect in "$@"; do
	expect "$defect" '.phase == "rolled_back" and .share == 0 and .errors == 0 and .requests > 0' --defect "$defect"
done
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
