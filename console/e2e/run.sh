#!/usr/bin/env bash
# Starts the demo at a low rate and clicks through its migration in Chromium; pictures in console/e2e/out.
set -euo pipefail
cd "$(dirname "$0")/../.."

browser=${CHROMIUM:-/usr/bin/chromium}
if [ ! -x "$browser" ]; then
	echo "skipped: $browser is not installed (make need); the end-to-end test of the console needs it"
	[ "${CI:-}" != true ]
	exit
fi

log=$(mktemp)
bin/jindu demo --headless --keep --rate 300 >"$log" 2>&1 &
demo=$!
finish() {
	kill -INT "$demo" 2>/dev/null || true
	wait "$demo" || true # the test rolls it back by hand, which is not what the demo expects
	rm -f "$log"
}
trap finish EXIT

base=""
for _ in $(seq 300); do
	base=$(grep -oE 'http://127\.0\.0\.1:[0-9]+' "$log" | head -n 1 || true)
	[ -n "$base" ] && curl -fsS "$base/api/v1/migrations" 2>/dev/null | jq -e '.items | any(.status.phase)' >/dev/null && break
	kill -0 "$demo" 2>/dev/null || { cat "$log"; echo "the demo ended before the test began"; exit 1; }
	sleep 0.1
done
[ -d console/node_modules ] || npm --prefix console ci --no-audit --no-fund --loglevel=error
if ! npm --prefix console run e2e -- --base "$base"; then
	tail -n 40 "$log"
	exit 1
fi
