#!/bin/sh
# The manual pages are clean mdoc.
command -v mandoc >/dev/null || { echo "mandoc is not installed"; exit 77; }
cd "${MONITORD_SOURCE:-$(dirname "$0")/..}" || exit 2
bad=0
for page in doc/*.[1-8]; do
	mandoc -T lint -W warning "$page" || bad=1
	echo "$page"
done
exit $bad
