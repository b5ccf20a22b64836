#!/bin/bash
# What is kept for the next boot: ids that never repeat, and orders. A damaged file is set aside
# and told; a folder that is full or gone is told, and the daemon goes on.
. "${MONITORD_SOURCE:?}/test/system/world.sh"
keep=$dir/state/keep
cat >"$rules" <<RULES
[monitord]
socket  = $sock
state   = $dir/state
helpers = $build
on-stop = stop

[service one]
run   = /bin/sleep 600
ready = after 50ms

[service two]
run   = /bin/sleep 600
ready = after 50ms
RULES
until_true() { # SECONDS COMMAND...
	local end=$(($(now) + $1 * 1000))
	shift
	until "$@" 2>/dev/null; do
		[ "$(now)" -lt "$end" ] || return 1
		sleep 0.05
	done
}
kept() { grep -qx "$1" "$keep" && tail -n 1 "$keep" | grep -q '^sum '; }
is() { ctl status "$1" --json 2>/dev/null | grep -q "\"state\":\"$2\""; }
newest() { ctl events --json 2>/dev/null | tail -n 1 | sed -E 's/.*"id":([0-9]+).*/\1/'; }
oldest() { ctl events --json 2>/dev/null | head -n 1 | sed -E 's/.*"id":([0-9]+).*/\1/'; }
boot() { # COMMAND... is done between two lives; what lies in memory is gone
	kill -TERM "$daemon"
	wait "$daemon" 2>/dev/null
	rm -f "$dir/run/journal"
	"$@"
	world_daemon
	until_true 20 is one up || bad "it does not begin: $(ctl status)"
}

world_daemon
until_true 20 is two up || bad "it does not begin"
until_true 10 test -s "$keep" && ok "kept before any order" || bad "nothing is kept"

echo "# ids do not repeat, orders stay"
ctl stop two >/dev/null || bad "stop"
until_true 10 kept "stop two" && ok "the order is kept" || bad "$(cat "$keep")"
ctl restart one >/dev/null || bad "restart"
before=$(newest)
boot true
after=$(oldest)
[ "$after" -gt "$before" ] && ok "ids go on behind $before: $after" || bad "$before, then $after"
is two stopped && ok "two stays stopped" || bad "$(ctl status two)"
grep -q 'lost' <<<"$(ctl events --since "$before")" && bad "lines are said to be lost"
[ "$(ctl events --json --since "$before" | head -n 1 | sed -E 's/.*"id":([0-9]+).*/\1/')" = "$after" ] &&
	ok "a reader from before goes on there" || bad "$(ctl events --json --since "$before" | head -n 2)"

echo "# of many orders the last is kept"
for _ in $(seq 20); do ctl hold one >/dev/null && ctl release one >/dev/null; done
ctl hold one >/dev/null || bad "hold"
until_true 10 kept "hold one" && sleep 0.3 && kept "hold one" && ok "held at last" || bad "$(cat "$keep")"
ctl release one >/dev/null

echo "# a damaged file"
damage() { sed -i 's/^stop two$/stop twx/' "$keep"; }
until_true 10 kept "stop two"
sleep 0.3
boot damage
[ -s "$keep.damaged" ] && ok "set aside" || bad "$(ls "$dir/state")"
ctl events | grep -q 'state-damaged' && ok "and told" || bad "$(ctl events | head -n 5)"
until_true 10 is two up && ok "its orders are forgotten" || bad "$(ctl status)"

echo "# a folder that is gone"
rm -rf "$dir/state"
ctl hold one >/dev/null && ok "orders are carried out" || bad "hold"
until_true 10 grep -q "keep cannot be written" "$dir/log" && ok "and it is told" || bad "nobody is told"
ctl release one >/dev/null
kill -0 "$daemon" && is one up && ok "all goes on" || bad "$(ctl status)"
mkdir "$dir/state"
ctl hold one >/dev/null
until_true 10 kept "hold one" && ok "and is kept when it is back" || bad "$(ls "$dir/state")"
finish
