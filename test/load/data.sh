#!/usr/bin/env bash
# The second job: a clean run must cross, come back from 100 % and cross again with nothing lost or doubled; runs
# with a defect must end rolled back at 0 %, naming what a request did. Usage: data.sh [DEFECT...]
set -euo pipefail
cd "$(dirname "$0")/../.."
reports=$(mktemp -d)
trap 'rm -rf "$reports"' EXIT

failed=0 passed=0
expect() { # name, jq condition, demo arguments
	local name=$1 condition=$2 report="$reports/$1.json"
	shift 2
	if ! bin/jindu demo data --fast --rate 60 --report "$report" "$@" >"$reports/$name.log" 2>&1; then
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

expect clean '.phase == "hold" and .share == 100 and .lost == 0 and .doubled == 0 and .errors == 0 and .orders > 0 and .back.acknowledged > 0 and .repaired == 3'
[ $# -gt 0 ] || set -- wrong-row no-message double-call db-rounding
for defect in "$@"; do
	expect "$defect" '.phase == "rolled_back" and .share == 0 and .lost == 0 and .doubled == 0 and .errors == 0 and (.first_difference.path | startswith("effects"))' --defect "$defect"
done
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
