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
backoff = 20ms..50ms"
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

echo "# a log that cannot be opened, a program that is missing"
tries logs 3
tries none 3
before=$(descriptors)
tries logs 20
tries none 20
after=$(descriptors)
[ "$after" -le $((before + 4)) ] && ok "no descriptor is left: $before, $after" ||
	bad "descriptors: $before, after more tries $after"
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
