#!/bin/bash
# The demo itself: it ends well, and its clients saw no more than what was in flight fail.
out=$(mktemp) || exit 1
"${MONITORD_SOURCE:?}/test/demo/run" "${MONITORD_BUILD:?}" >"$out" 2>&1
code=$?
failed=$(sed -nE 's/.*requests, ([0-9]+) failed.*/\1/p' "$out")
echo "exit $code, ${failed:-?} failed"
if [ "$code" -ne 0 ] || [ "${failed:-999}" -gt 5 ]; then
	cat "$out"
	rm -f "$out"
	exit 1
fi
rm -f "$out"
