#!/bin/bash
# Nothing wakes while nothing happens, also where services have logs; status is not woken while
# nobody looks, and is while somebody follows; who looks sees processes measured all the same; and a
# status that hangs is replaced once a client waits for it.
. "${MONITORD_SOURCE:?}/test/system/wait.sh"
[ -n "${MONITORD_LONG:-}" ] || { echo "SKIP: takes 2 minutes; MONITORD_LONG=1 runs it"; exit 77; }
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
record  = off
on-stop = stop
[service one]
run = /bin/sleep 601.$$
log = $dir/one.log 1M x 2
[service two]
run = /bin/sh -c "trap 'echo word' USR1; sleep 602.$$ & while :; do wait; done"
log = $dir/two.log 1M x 2
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
rest() { # what was begun, a ping last of all, has its time to end
	local before
	for _ in $(seq 20); do
		before=$(switches)
		sleep 3 # a log is measured for 2 s after each word
		[ "$(switches)" -eq "$before" ] && return
	done
}
no_wakes() { # OF-WHAT
	local before after
	rest
	before=$(switches)
	sleep 5
	after=$(switches)
	[ "$after" -eq "$before" ] && ok "$1: nothing woke in 5 s" || bad "$1: $((after - before)) wake-ups in 5 s"
}

echo "# at rest"
[ -z "$(helper 'monitord-probes')" ] && ok "nothing measures what nobody reads" ||
	bad "probes run: $(helper monitord-probes)"
no_wakes "two services, each with a log"
kill -USR1 "$(helper /bin/sh)"
await 10 grep -q word "$dir/two.log" && ok "a word is written" || bad "nothing is written"
no_wakes "and no more"

echo "# a service dies, and nobody looks"
of_status() { grep -h '^voluntary' "/proc/$(helper monitord-status)"/task/*/status | awk '{ n += $2 } END { print n }'; }
ups() { grep -c 'service-up one' "$dir/log"; }
more_ups() { [ "$(ups)" -gt "$1" ]; }
dies() { # it is up again
	local before
	before=$(ups)
	kill -KILL "$(helper /bin/sleep)"
	await 10 more_ups "$before" || bad "one is not up again"
}
unseen() {
	local before
	rest
	before=$(of_status)
	dies
	sleep 1
	[ "$(of_status)" -eq "$before" ] && ok "status was not woken" || bad "status woke $(($(of_status) - before)) times"
}
unseen

echo "# a client looks"
ctl status one --json | grep -qE '"memory":[1-9]' && ok "its memory is known at once" ||
	bad "$(ctl status one --json)"

echo "# somebody follows events, and has for longer than a look lasts"
"$build/monitorctl" -s "$sock" events --follow --json >"$dir/follow" 2>/dev/null &
follower=$!
sleep 62
before=$(grep -c service-exited "$dir/follow")
told() { [ "$(grep -c service-exited "$dir/follow")" -gt "$before" ]; }
dies
await 10 told && ok "it is told of a death" || bad "of the death nothing is told"
kill "$follower"
wait "$follower" 2>/dev/null
unseen

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
