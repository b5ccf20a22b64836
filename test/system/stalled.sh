#!/bin/bash
# A mount that answers nobody (a dead server's), and a user database that does not: who lies on it
# or needs it waits alone. monitord answers, repairs the others and reloads meanwhile; when they
# are back, so are the services that needed them.
: "${MONITORD_SOURCE:=$(cd "$(dirname "$0")/../.." && pwd)}" "${MONITORD_BUILD:=$MONITORD_SOURCE/build}"
export MONITORD_SOURCE MONITORD_BUILD
[ -n "${MONITORD_LONG:-}" ] || { echo "skipped: takes a minute (MONITORD_LONG)"; exit 77; }
[ "$(id -u)" -eq 0 ] || { echo "skipped: needs root"; exit 77; }
unshare -m true 2>/dev/null || { echo "skipped: nothing can be mounted here"; exit 77; }
if [ -z "${MONITORD_STALLED_INSIDE:-}" ]; then # what is mounted here nobody else sees
	MONITORD_STALLED_INSIDE=1 exec unshare -m --propagation private "$0"
fi
. "$MONITORD_SOURCE/test/system/world.sh"
puppet=$build/test/system/puppet
far=$dir/far
mkdir "$far"
"$puppet" sleep 600000 &
alone=$!
"$build/test/system/stall" "$far" "$alone" >"$dir/stall" 2>&1 &
stall=$!
kids="$kids $alone $stall"
cat >"$rules" <<RULES
[monitord]
socket  = $sock
state   = $dir/state
helpers = $build
on-stop = stop

[service steady]
run     = $puppet sole $dir/steady sleep 4000000
ready   = exec
backoff = 10ms..50ms

[service logs]
run     = $puppet print begun sleep 4000000
log     = $far/log 1M x 2
ready   = exec
backoff = 10ms..200ms

[service stands]
run     = $puppet sleep 4000000
dir     = $far/sub
ready   = exec
backoff = 10ms..200ms

[service reads]
run      = $puppet sleep 4000000
env-file = $far/env
ready    = exec
backoff  = 10ms..200ms

[service watched]
pidfile = $far/pid
RULES
all_up() { for s in steady logs stands reads watched; do is $s up || return 1; done; }
# quick WHAT COMMAND...: done within 2 s, though others hang
quick() {
	local what=$1 began
	shift
	began=$(now)
	timeout 10 "$@" >"$dir/out" 2>&1
	local code=$?
	[ $(($(now) - began)) -lt 2000 ] && [ "$code" -eq 0 ] && ok "$what after $(($(now) - began)) ms" ||
		bad "$what: exit $code after $(($(now) - began)) ms: $(cat "$dir/out")"
}
another() { [ -n "$(pid_of steady)" ] && [ "$(pid_of steady)" != "$1" ] && is steady up; }
steady_dies() { # and is back soon
	local old began
	old=$(pid_of steady) began=$(now)
	kill -KILL "$old"
	await 3 another "$old" && ok "who needs nothing of it is back after $(($(now) - began)) ms" ||
		bad "steady: $(ctl explain steady)"
}
waits() { ! is "$1" up; }

echo "# a mount that answers"
if await 5 grep -q mounted "$dir/stall"; then
	world_daemon
	await 20 all_up && ok "all are up" || bad "$(ctl status)"
	[ "$(stat -c %s "$far/log")" -gt 0 ] && ok "the log is written there" || bad "no log"

	echo "# and then does not"
	ctl stop logs >/dev/null # or its end waits as well, with the log's
	mark
	pids="$(pid_of stands) $(pid_of reads) $alone"
	kill -USR1 "$stall"
	# shellcheck disable=SC2086
	kill -KILL $pids
	ctl start logs --no-wait >/dev/null || bad "start"
	steady_dies
	quick "a status" "$build/monitorctl" -s "$sock" status steady
	quick "a command" "$build/monitorctl" -s "$sock" restart steady
	sleep 3 # logs are measured, and pid files looked at, each second
	steady_dies
	quick "a reload" "$build/monitorctl" -s "$sock" reload
	for s in logs stands reads; do await 2 waits $s || bad "$s is said to be up: $(ctl explain $s)"; done
	[ "$(count_events daemon-late)" -eq 0 ] && ok "monitord never stood still" || bad "$(ctl events --since "$last" | grep late)"

	echo "# monitord begins there"
	steady=$(pid_of steady)
	kill -KILL "$daemon"
	wait "$daemon" 2>/dev/null
	world_daemon
	await 5 is steady up && [ "$(pid_of steady)" = "$steady" ] && ok "who lives is adopted" || bad "$(ctl status)"
	steady_dies

	echo "# it answers again"
	kill -USR2 "$stall"
	for s in logs stands reads; do await 40 is $s up && ok "$s is up" || bad "$(ctl explain $s)"; done
	[ -e "$dir/steady.twice" ] && bad "twice: $(cat "$dir/steady.twice")"
	kill -TERM "$daemon"
	await 30 not_there "$daemon" || bad "it does not end"
	wait "$daemon" 2>/dev/null
	kill -TERM "$stall"
	wait "$stall" 2>/dev/null
else
	echo "     skipped: no /dev/fuse, or nothing may be mounted"
fi

echo "# a user database that does not answer"
rm -rf "$dir/run" "$dir/state"
mkdir "$dir/run" "$dir/state"
cat >"$rules" <<RULES
[monitord]
socket      = $sock
state       = $dir/state
helpers     = $build
on-stop     = stop
admin-group = games

[service steady]
run     = $puppet sleep 4000000
ready   = exec
backoff = 10ms..50ms

[service theirs]
run     = /bin/sleep 4000000
user    = games
ready   = exec
backoff = 10ms..200ms
RULES
mkfifo "$dir/silent"
games=$(id -u games)
silent() { mount --bind "$dir/silent" /etc/passwd; } # whoever looks somebody up waits for ever
speaks() { umount /etc/passwd; }
silent
began=$(now)
world_daemon
await 3 grep -q 'service-up steady' "$dir/log" && ok "who has no user is up after $(($(now) - began)) ms" || bad "$(tail -n 5 "$dir/log")"
await 20 answers && ok "monitord answers after $(($(now) - began)) ms" || bad "no answer"
grep -q 'no answer from the user database' "$dir/log" && ok "and says why so late" || bad "nobody is told"
await 10 grep -q 'start-failed theirs.*no answer from the user database' "$dir/log" && ok "a start fails, with its reason" ||
	bad "$(ctl explain theirs)"
speaks
kill -TERM "$daemon"
await 20 not_there "$daemon" || bad "it does not end"
wait "$daemon" 2>/dev/null
rm -rf "$dir/run" "$dir/state"
mkdir "$dir/run" "$dir/state"
world_daemon
await 10 is theirs up && await 10 is steady up || bad "not up: $(ctl status)"
mark
silent
quick "a reload" "$build/monitorctl" -s "$sock" reload
steady_dies
old=$(pid_of theirs)
kill -KILL "$old"
steady_dies
theirs_again() { [ -n "$(pid_of theirs)" ] && [ "$(pid_of theirs)" != "$old" ] && is theirs up; }
await 15 theirs_again && ok "theirs runs again, by the numbers that were known" || bad "$(ctl explain theirs)"
[ "$(stat -c %u "/proc/$(pid_of theirs)")" = "$games" ] || bad "it runs as another"
[ "$(count_events daemon-late)" -eq 0 ] && ok "monitord never stood still" || bad "$(ctl events --since "$last" | grep late)"
speaks
finish
