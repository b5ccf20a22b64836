#!/bin/bash
# kill -9 of monitord: its helpers go with it, its services stay; begun again it knows them,
# their events and the route. A broken rule file changes nothing. A second daemon refuses.
. "${MONITORD_SOURCE:?}/test/system/world.sh"
world_rules
world_begin
pids="$(pid_of front) $(pid_of primary) $(pid_of secondary)"
restarts="$(restarts_of front) $(restarts_of primary) $(restarts_of secondary)"

echo "# a second daemon on the same state"
"$build/monitord/monitord" -c "$rules" >"$dir/second" 2>&1
code=$?
[ "$code" -ne 0 ] && grep -q "$daemon" "$dir/second" && ok "refused: $(tail -n 1 "$dir/second")" ||
	bad "the second daemon said: $(cat "$dir/second") (exit $code)"

echo "# kill -9 of monitord"
helpers=$(helpers_of | awk '{ print $1 }')
mark
kill -KILL "$daemon"
for _ in 1 2 3 4 5 6 7 8 9 10; do
	left=
	for h in $helpers; do # a zombie is dead: who inherited it has only not asked yet
		grep -qsE '^State:\s+[^ZX]' "/proc/$h/status" && left="$left $h"
	done
	[ -z "$left" ] && break
	sleep 0.01
done
[ -z "$left" ] && ok "its helpers are gone" || bad "helpers are left after 100 ms: $left"
wait "$daemon" 2>/dev/null
for p in $pids; do kill -0 "$p" 2>/dev/null || bad "process $p is gone"; done
"$demo" load "$front" 50 1 >"$dir/load" 2>&1
grep -q ' 0 failed' "$dir/load" && ok "the services go on" || bad "$(tail -n 1 "$dir/load")"

echo "# the secondary dies while nobody looks"
kill -KILL "$(awk '{ print $3 }' <<<"$pids")"
world_daemon
await_up 20 || bad "not up again"
[ "$(awk '{ print $1, $2 }' <<<"$pids")" = "$(pid_of front) $(pid_of primary)" ] &&
	ok "the same processes" || bad "pids were $pids"
[ -n "$(pid_of secondary)" ] && ok "the dead one runs again" || bad "the secondary does not run"
# as long as nobody has reaped it, it is found, and its end known
adopted=$(count_events service-adopted) exited=$(count_events service-exited)
[ "$exited" -eq 1 ] && { [ "$adopted" -eq 2 ] || [ "$adopted" -eq 3 ]; } &&
	ok "two adopted, a death told, ids go on after $last" || bad "$adopted adopted, $exited exited"
ctl status site --json | grep -q '"active":\["primary"\]' && ok "the route was read" || bad "$(ctl status site)"

echo "# broken rules and a reload"
pids="$(pid_of front) $(pid_of primary) $(pid_of secondary)"
cp "$rules" "$dir/good"
printf '\n[check broken]\nhttp = http://127.0.0.1:99999/\n' >>"$rules"
line=$(grep -n 99999 "$rules" | cut -d: -f1)
mark
ctl reload >"$dir/reload" 2>&1
code=$?
[ "$code" -eq 3 ] && grep -q "$rules:$line: " "$dir/reload" && ok "refused: $(tail -n 1 "$dir/reload")" ||
	bad "reload said: $(cat "$dir/reload") (exit $code)"
cp "$dir/good" "$rules"
ctl status >/dev/null && [ "$pids" = "$(pid_of front) $(pid_of primary) $(pid_of secondary)" ] &&
	ok "nothing changed" || bad "something changed"
for kind in service-stopping service-exited check-down route-ordered; do
	[ "$(count_events $kind)" -eq 0 ] || bad "$kind happened"
done

echo "# the socket is removed, another takes its place, the run directory is removed"
answers() { ctl status primary --json 2>/dev/null | grep -q '"state":"up"'; }
lose() { # WHAT COMMAND...: and it is there again after a HUP
	local what=$1
	shift
	"$@"
	ctl status >/dev/null 2>&1 && bad "$what: it answers still"
	kill -HUP "$daemon"
	await 10 answers && ok "$what: a HUP makes it anew" || bad "$what: $(ctl status primary 2>&1)"
}
lose "removed" rm "$sock"
usurp() {
	rm "$sock"
	python3 -c 'import socket, sys; socket.socket(socket.AF_UNIX).bind(sys.argv[1])' "$sock"
}
lose "another's" usurp
lose "no folder" rm -rf "${sock%/*}"
for s in front primary secondary; do # without control groups they are known by these
	[ -s "${sock%/*}/records/$s" ] || bad "$s is not written down any more"
done
[ "$pids" = "$(pid_of front) $(pid_of primary) $(pid_of secondary)" ] && ok "the services went on" || bad "services were $pids"

echo "# stopped by command, also over kill -9"
ctl stop secondary >/dev/null || bad "stop"
kill -KILL "$daemon"
wait "$daemon" 2>/dev/null
world_daemon
await_up 20 || bad "not up again"
ctl status secondary --json | grep -q '"state":"stopped"' && ok "stopped still" || bad "$(ctl status secondary)"
ctl start secondary >/dev/null && [ -n "$(pid_of secondary)" ] && ok "started by command" || bad "start"
finish
