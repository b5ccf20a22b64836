#!/bin/bash
# Starts that cannot succeed give back what they took; a start that monitord did not live to
# record is adopted, not killed; includes without end are a mistake, not a crash.
. "${MONITORD_SOURCE:?}/test/system/world.sh"
world_rules "
[service logs]
run     = /bin/sleep 600
log     = $dir/logs/out
backoff = 20ms..50ms

[service none]
run     = /no/such/program
backoff = 20ms..50ms

[check plugin]
script = /bin/sh -c \"sleep 60.$$ >/dev/null & echo fine\"
every  = 50ms"
touch "$dir/active"
world_daemon
for _ in $(seq 100); do [ -n "$(pid_of primary)" ] && break; sleep 0.1; done
descriptors() { find "/proc/$daemon/fd" -mindepth 1 | wc -l; }
failures_of() { ctl events --json --since 0 2>/dev/null | grep -F '"start-failed"' | grep -cF "\"$1\""; }
tries() { # SERVICE N: it failed so often
	for _ in $(seq 200); do
		[ "$(failures_of "$1")" -ge "$2" ] && return 0
		sleep 0.05
	done
	bad "$1 failed $(failures_of "$1") times only"
}
few_descriptors() { # AFTER WHAT: what is left stays; what is at work just now goes
	for _ in $(seq 100); do
		after=$(descriptors)
		[ "$after" -le $((before + 4)) ] && { ok "no descriptor is left: $before, $after"; return; }
		sleep 0.05
	done
	bad "descriptors: $before, after $* $after"
}

echo "# a log that cannot be opened, a program that is missing"
tries logs 3
tries none 3
before=$(descriptors)
tries logs 20
tries none 20
few_descriptors more tries
for _ in $(seq 100); do # one may be about to end
	plugins=$(grep -lzxs "60[.]$$" /proc/[0-9]*/cmdline | wc -l)
	[ "$plugins" -le 1 ] && break
	sleep 0.05
done
ctl status plugin >/dev/null && [ "$plugins" -le 1 ] && ok "what a plugin leaves does not pile up" ||
	bad "$(ctl status plugin), $plugins processes left"
mkdir "$dir/logs"
for _ in $(seq 100); do [ -n "$(pid_of logs)" ] && break; sleep 0.1; done
[ -n "$(pid_of logs)" ] && ok "the log can be opened: it runs" || bad "it does not start: $(ctl explain logs)"

echo "# monitord dies before it has recorded a start"
pid=$(pid_of primary)
kill -KILL "$daemon"
wait "$daemon" 2>/dev/null
if [ -f "$dir/run/cgroup" ]; then
	dd if=/dev/zero of="$dir/run/records/primary" bs=16 count=1 conv=notrunc status=none
	world_daemon
	for _ in $(seq 100); do [ -n "$(pid_of primary)" ] && break; sleep 0.1; done
	[ "$(pid_of primary)" = "$pid" ] && ok "adopted by its cgroup" ||
		bad "process $pid became $(pid_of primary)"
else
	world_daemon
	echo "     no cgroup: the child itself writes its record"
fi

echo "# monitord dies while it writes down what was ordered, and begins again at once"
for _ in 1 2 3 4 5 6 7 8; do
	ctl stop secondary >/dev/null
	kill -KILL "$daemon"
	wait "$daemon" 2>/dev/null
	world_daemon
	for _ in $(seq 100); do ctl status >/dev/null 2>&1; [ $? -ne 1 ] && break; sleep 0.05; done
done
grep -q 'works with .* already' "$dir/log" && bad "$(grep 'works with' "$dir/log" | head -n 1)" ||
	ok "nothing else holds its lock"

echo "# who has an answer sees it"
stale=0
for _ in 1 2 3 4 5 6 7 8; do
	ctl stop secondary >/dev/null
	ctl status secondary --json | grep -q '"state":"stopped"' || stale=$((stale + 1))
	ctl start secondary >/dev/null
	ctl status secondary --json | grep -q '"state":"up"' || stale=$((stale + 1))
done
[ "$stale" -eq 0 ] && ok "16 of 16" || bad "$stale of 16 states were older than their answer"

echo "# a section goes while monitord is not there"
pid=$(pid_of logs)
kill -KILL "$daemon"
wait "$daemon" 2>/dev/null
sed -i '/^\[service logs\]/,/^$/d' "$rules"
world_daemon
if [ -f "$dir/run/cgroup" ]; then
	for _ in $(seq 100); do [ -d "/proc/$pid" ] && ! grep -q '^State:.Z' "/proc/$pid/status" || break; sleep 0.1; done
	grep -qs '^State:.[^Z]' "/proc/$pid/status" && bad "process $pid lives" || ok "its process is stopped"
fi

echo "# an ordinary user, without cgroups: what a start leaves in sessions of its own"
nobody=$dir/nobody
mkdir "$nobody"
cat >"$nobody/m.ini" <<RULES
[monitord]
socket  = $nobody/run/status.sock
state   = $nobody/state
helpers = $build
on-stop = stop

[service leaves]
run     = /bin/sh -c "setsid sleep 601 & sleep 0.02"
backoff = 20ms..50ms

[service stays]
run  = /bin/sh -c "setsid sleep 602 & exec sleep 602"
stop = TERM 100ms, KILL

[service root]
run  = /bin/sleep 603
user = root
RULES
as=
if [ "$(id -u)" -eq 0 ]; then
	as="setpriv --reuid=65534 --regid=65534 --clear-groups"
	chown -R 65534:65534 "$nobody"
fi
$as test -x "$build/monitorctl" || { echo "     skipped: the build folder is closed to others"; finish; }
kill -TERM "$daemon"
wait "$daemon"
sock=$nobody/run/status.sock
$as "$build/monitord/monitord" -c "$nobody/m.ini" >"$nobody/log" 2>&1 &
daemon=$!
ctl() { $as "$build/monitorctl" -s "$sock" "$@"; }
until_event() { # KIND OBJECT N
	for _ in $(seq 200); do
		[ "$(ctl events --json --since 0 2>/dev/null | grep -F "\"$1\"" | grep -cF "\"$2\"")" -ge "$3" ] &&
			return 0
		sleep 0.05
	done
	return 1
}
until_event service-started leaves 3 && ok "its left-overs do not stop it" || bad "$(ctl explain leaves)"
before=$(descriptors)
until_event service-started leaves 20 || bad "it does not start again"
few_descriptors more starts
count() { # of processes with this command line, ours or left
	local n=0 f
	for f in /proc/[0-9]*/cmdline; do
		[ "$(tr '\0' ' ' 2>/dev/null <"$f")" = "$1" ] &&
			[ "$(readlink "${f%cmdline}fd/64")" = "$nobody/run/records/$2.lock" ] && n=$((n + 1))
	done
	echo "$n"
}
ctl restart stays >/dev/null && ok "restarted" || bad "$(ctl explain stays)"
if readlink "/proc/$(pid_of stays)/fd/0" >/dev/null; then
	for _ in $(seq 40); do # the new ones may still be on their way
		[ "$(count "sleep 602 " stays)" -eq 2 ] && break
		sleep 0.05
	done
	[ "$(count "sleep 602 " stays)" -eq 2 ] && ok "nothing of the first instance is left" ||
		bad "$(count "sleep 602 " stays) processes of it"
else
	echo "     skipped: nobody may see others' descriptors here"
fi
ctl explain root | grep -q 'Operation not permitted' && ok "another user is not permitted" ||
	bad "$(ctl explain root)"
ctl explain stays | grep -q 'leaves' && bad "another's start is called its cause: $(ctl explain stays)"
ctl stop stays leaves >/dev/null || bad "stop"
[ "$(count "sleep 601 " leaves)" -eq 0 ] && [ "$(count "sleep 602 " stays)" -eq 0 ] &&
	ok "stopped, nothing is left" || bad "something is left"

echo "# files that include files without end"
mkdir "$dir/deep"
for i in $(seq 1000); do
	printf '[monitord]\ninclude = %d.ini\n' $((i + 1)) >"$dir/deep/$i.ini"
done
"$build/monitord/monitord" -t -c "$dir/deep/1.ini" >"$dir/out" 2>&1
code=$?
[ "$code" -eq 1 ] && grep -q ':2: include within include' "$dir/out" && ok "$(cat "$dir/out")" ||
	bad "exit $code: $(cat "$dir/out")"
finish
