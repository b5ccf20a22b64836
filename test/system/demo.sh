#!/bin/bash
# The demo itself: it ends well, and its clients saw no more than what was in flight fail: what
# failed did so until the traffic was moved, however long that took this machine.
out=$(mktemp) || exit 1
"${MONITORD_SOURCE:?}/test/demo/run" "${MONITORD_BUILD:?}" >"$out" 2>&1
code=$?
failed=$(sed -nE 's/.*requests, ([0-9]+) failed.*/\1/p' "$out")
failing_ms=$(sed -nE 's/^ *failed [0-9]+ requests in ([0-9]+) ms.*/\1/p' "$out" | awk '{ n += $1 } END { print n + 0 }')
moved_ms=$(sed -nE 's/^ *\+([0-9]+) ms +rerouted .*/\1/p' "$out")
echo "exit $code, ${failed:-?} failed in $failing_ms ms, the traffic was moved after ${moved_ms:-?} ms"
if [ "$code" -ne 0 ] || { [ "${failed:-999}" -gt 5 ] && [ "$failing_ms" -gt $((${moved_ms:--200} + 100)) ]; }; then
	cat "$out"
	rm -f "$out"
	exit 1
fi
rm -f "$out"
