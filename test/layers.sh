#!/bin/sh
# Includes point down only: program -> rules/ -> base/. No program includes another's header.
set -u
cd "${MONITORD_SOURCE:-$(dirname "$0")/..}" || exit 2
bad=0
check() { # folder, forbidden folders
	for f in "$1"/*.[ch]; do
		[ -e "$f" ] || continue
		if grep -nE "#include \"($2)/" "$f" /dev/null; then
			echo "^ $1/ must not include $2"
			bad=1
		fi
		if grep -nE '#include "[^/"]*"' "$f" /dev/null | grep -v '"config.h"'; then
			echo "^ an include names its folder"
			bad=1
		fi
	done
}
check base 'rules|monitord|probes|routes|alerts|status|test'
check rules 'monitord|probes|routes|alerts|status|test'
check monitord 'probes|routes|alerts|status|test'
check probes 'monitord|routes|alerts|status|test'
check routes 'monitord|probes|alerts|status|test'
check alerts 'monitord|probes|routes|status|test'
check status 'monitord|probes|routes|alerts|test'
n=$(ls base/*.h rules/*.h 2>/dev/null | wc -l)
[ "$n" -gt 5 ] || { echo "only $n headers seen: wrong folder?"; bad=1; }
exit $bad
