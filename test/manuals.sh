#!/bin/sh
# The manual pages are clean mdoc, and say what the tables and options say: every key with
# its default, every metric, every option, and nothing else.
set -u
command -v mandoc >/dev/null || { echo "mandoc is not installed"; exit 77; }
tables=${MONITORD_BUILD:-$PWD}/test/tables
cd "${MONITORD_SOURCE:-$(dirname "$0")/..}" || exit 2
tmp=$(mktemp -d) || exit 2
trap 'rm -rf "$tmp"' EXIT
bad=0

for page in doc/*.[1-8]; do
	mandoc -T lint -W warning "$page" || bad=1
	echo "$page"
done

same() { # what: $tmp/is is what the programs have, $tmp/page what the page says
	sort "$tmp/is" >"$tmp/is.sorted"
	sort "$tmp/page" >"$tmp/page.sorted"
	[ -s "$tmp/is" ] || { echo "$1: nothing to compare"; bad=1; }
	diff "$tmp/is.sorted" "$tmp/page.sorted" >"$tmp/diff" && return
	echo "$1 differ ('<': not in the page, '>': only in the page)"
	cat "$tmp/diff"
	bad=1
}

# keys are .It Ic below .Ss [SECTION …], with .Ql below "The default is"; metrics .It Va
"$tables" >"$tmp/is" || exit 1
awk '
	function flush() { if (key != "") print "key", section, key, dflt; key = "" }
	/^\.S[sh] / { flush(); section = "" }
	/^\.Ss \[/ { section = $2; gsub(/[][]/, "", section) }
	/^\.It Ic / && section != "" { flush(); key = $3; dflt = "-" }
	after && /^\.Ql / { dflt = $0; sub(/^\.Ql /, "", dflt); sub(/ \.$/, "", dflt) }
	{ after = /^The default is$/ }
	/^\.It Va / { print "metric", $3 }
	END { flush() }
' doc/monitord.ini.5 >"$tmp/page"
same "doc/monitord.ini.5: keys and metrics"

# the letters of getopt_long and the names of its table against .It Fl
options() { # source, page
	{
		sed -n 's/.*getopt_long(argc, argv, "\([^"]*\)".*/\1/p' "$1" | tr -d ':+' | fold -w 1
		echo
		grep -o '{ "[a-z-]*", [a-z]*_argument' "$1" | sed 's/{ "\([a-z-]*\)".*/-\1/'
	} | grep . >"$tmp/is"
	grep '^\.It Fl ' "$2" | grep -o 'Fl [^ ]*' | sed 's/Fl //' >"$tmp/page"
	same "$2: options"
}
options monitord/main.c doc/monitord.8
options status/ctl_main.c doc/monitorctl.1
options alerts/desktop.c doc/monitord-desktop.1
exit $bad
