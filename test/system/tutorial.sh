#!/bin/bash
# doc/tutorial.md, literally: its commands in their order, in a folder and on ports of our own.
[ -n "${MONITORD_LONG:-}" ] || { echo "takes a minute: set MONITORD_LONG"; exit 77; }
[ "$(id -u)" -eq 0 ] || { echo "needs root"; exit 77; }
for program in /usr/sbin/varnishd /usr/sbin/apache2 /usr/share/tomcat10/bin/catalina.sh /usr/bin/java /usr/bin/curl; do
	[ -x $program ] || { echo "$program is not installed"; exit 77; }
done
failures=0
ok() { printf 'ok   %s\n' "$*"; }
bad() { printf 'FAIL %s\n' "$*"; failures=$((failures + 1)); }
dir=$(mktemp -d "${TMPDIR:-/tmp}"/mtutorial.XXXXXX) || exit 1
chmod 755 "$dir"
base=$((20000 + $$ % 1200 * 10))
export PATH=${MONITORD_BUILD:?}:$MONITORD_BUILD/monitord:$PATH
daemon=
finish() {
	trap - EXIT
	[ -n "$daemon" ] && kill "$daemon" 2>/dev/null && for _ in $(seq 50); do kill -0 "$daemon" 2>/dev/null || break; sleep 0.1; done
	[ "$failures" -eq 0 ] || tail -n 40 "$dir/log" 2>/dev/null
	rm -rf "$dir"
}
trap finish EXIT
# The code blocks, number by number; apt-get is for those who have nothing yet.
block() {
	awk -v want="$1" '/^```sh$/ { n++; on = n == want; next } /^```$/ { on = 0 } on' \
		"${MONITORD_SOURCE:?}/doc/tutorial.md" |
		sed "s|/srv/tile|$dir|g; s|127.0.0.1:8000|127.0.0.1:$base|g; s|127.0.0.1:8001|127.0.0.1:$((base + 1))|g
			s|\b8010\b|$((base + 2))|g; s|\b8020\b|$((base + 3))|g; s|127.0.0.1:2812|127.0.0.1:$((base + 4))|g
			s|^state  = .*|&\nhelpers = $MONITORD_BUILD\non-stop = stop|"
}
run() { # BLOCK: in this shell; its output in $dir.out
	eval "$(block "$1")" >"$dir/out" 2>&1
	code=$?
	[ $code -eq 0 ] && ok "block $1" || bad "block $1 ended with $code: $(cat "$dir/out")"
}
shows() { grep -qE "$1" "$dir/out" && ok "shows $1" || bad "does not show $1: $(cat "$dir/out")"; }
blocks=$(grep -c '^```sh$' "$MONITORD_SOURCE/doc/tutorial.md")
for n in 2 3 4 5; do run $n; done
shows 'no mistake'
run 6
daemon=$!
run 7
shows 'X-Backend: apache'
shows 'a tile'
run 8
shows 'X-Backend: tomcat'
shows 'route-moved'
run 9
shows 'primary'
run 10
shows 'restarted'
run 11
shows 'reloaded'
[ "$blocks" -eq 12 ] || bad "the tutorial has $blocks blocks, this test knows 12"
stopped=$(monitorctl -s "$dir/run/status.sock" stop all 2>&1) && ok "stop all" || bad "$stopped"
finish
[ "$failures" -eq 0 ]
