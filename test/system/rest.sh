#!/bin/bash
# Nothing wakes while nothing happens; who looks sees processes measured all the same; and a
# status that hangs is replaced once a client waits for it.
. "${MONITORD_SOURCE:?}/test/system/wait.sh"
[ -n "${MONITORD_LONG:-}" ] || { echo "SKIP: takes 25 s; MONITORD_LONG=1 runs it"; exit 77; }
build=${MONITORD_BUILD:?}
dir=$(mktemp -d "${TMPDIR:-/tmp}"/mrest.XXXXXX) || exit 1
chmod 755 "$dir"
sock=$dir/run/status.sock
daemon=
end() {
	[ "$failures" -ne 0 ] && cat "$dir/log"
	[ -n "$daemon" ] && kill -TERM "$daemon" && wait "$daemon"
	rm -rf "$dir"
}
trap end EXIT
trap 'exit 130' INT TERM
ctl() { timeout 30 "$build/monitorctl" -s "$sock" "$@"; }
cat >"$dir/monitord.ini" <<RULES
[monitord]
socket  = $sock
state   = $dir/state
helpers = $build
history = off
on-stop = stop
[service one]
run = /bin/sleep 601.$$
[service two]
run = /bin/sleep 602.$$
RULES
"$build/monitord/monitord" -c "$dir/monitord.ini" >"$dir/log" 2>&1 &
daemon=$!
for _ in $(seq 200); do
	[ "$(grep -c 'service-up' "$dir/log")" -eq 2 ] && break
	sleep 0.05
done
helper() { # NAME: its pid
	local p
	for p in $(cat /proc/"$daemon"/task/"$daemon"/children); do
		tr '\0' ' ' <"/proc/$p/cmdline" 2>/dev/null | grep -q "^$1" && echo "$p"
	done
}
switches() { # of monitord and its helpers, by their own will
	local p
	for p in "$daemon" $(helper monitord-); do
		grep -h '^voluntary' "/proc/$p/status"
	done | awk '{ n += $2 } END { print n }'
}

echo "# at rest"
[ -z "$(helper 'monitord-probes')" ] && ok "nothing measures what nobody reads" ||
	bad "probes run: $(helper monitord-probes)"
# what was begun by the start, a ping last of all, has its time to end
for _ in $(seq 20); do
	before=$(switches)
	sleep 2
	[ "$(switches)" -eq "$before" ] && break
done
before=$(switches)
sleep 5
after=$(switches)
[ "$after" -eq "$before" ] && ok "nothing woke in 5 s" || bad "$((after - before)) wake-ups in 5 s"

echo "# a client looks"
ctl status one --json | grep -qE '"memory":[1-9]' && ok "its memory is known at once" ||
	bad "$(ctl status one --json)"

echo "# status hangs, and nobody has a word for it"
for _ in $(seq 20); do # also the helper that measures for the client is asked whether it lives
	first=$(helper monitord-status)
	[ -n "$first" ] && break
	sleep 0.1
done
kill -STOP "$first"
ctl status >/dev/null && ok "the client was answered" || bad "no answer"
[ "$(helper monitord-status)" != "$first" ] && ok "by another one" || bad "it is the same"
finish
