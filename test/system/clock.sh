#!/bin/bash
# The clock on the wall is set an hour on, and back: nothing is late, nothing fails, nothing is
# started again or twice for that; what people named as a time of day ends by that clock.
# monitord alone sees the false clock, by a library that is built here.
. "${MONITORD_SOURCE:?}/test/system/world.sh"
[ -n "${MONITORD_LONG:-}" ] || { echo "skipped: takes half a minute (MONITORD_LONG)"; exit 77; }
command -v cc >/dev/null || { echo "skipped: no compiler"; exit 77; }
puppet=$build/test/system/puppet
cat >"$dir/clock.c" <<'EOS'
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>
static long
off(void)
{
	long s = 0;
	FILE *f = fopen(getenv("CLOCK_OFF"), "re");
	if (f != NULL && fscanf(f, "%ld", &s) != 1)
		s = 0;
	if (f != NULL)
		fclose(f);
	return s;
}
int
clock_gettime(clockid_t id, struct timespec *t)
{
	int r = (int)syscall(SYS_clock_gettime, id, t);
	if (r == 0 && (id == CLOCK_REALTIME || id == CLOCK_REALTIME_COARSE))
		t->tv_sec += off();
	return r;
}
int
gettimeofday(struct timeval *restrict v, void *restrict zone)
{
	struct timespec t;
	(void)zone;
	clock_gettime(CLOCK_REALTIME, &t);
	v->tv_sec = t.tv_sec;
	v->tv_usec = t.tv_nsec / 1000;
	return 0;
}
time_t
time(time_t *out)
{
	struct timespec t;
	clock_gettime(CLOCK_REALTIME, &t);
	if (out != NULL)
		*out = t.tv_sec;
	return t.tv_sec;
}
EOS
cc -O1 -shared -fPIC -o "$dir/clock.so" "$dir/clock.c" || { echo "skipped: no library can be built"; exit 77; }
set_clock() { echo "$1" >"$dir/off.new" && mv "$dir/off.new" "$dir/off"; }
set_clock 0
cat >"$rules" <<RULES
[monitord]
socket  = $sock
state   = $dir/state
helpers = $build
on-stop = stop

[service a]
run     = $puppet sole $dir/a sleep 4000000
ready   = exec
backoff = 10ms..50ms
at-most = 30 in 1h

[service b]
run   = $puppet sole $dir/b sleep 4000000
ready = exec

[check fine]
script = /bin/true
every  = 100ms
of     = b

[rule long]
when = b.uptime > 30m
do   = restart b

[rule bad-long]
when = fine.down for 2s
do   = restart b
RULES
world_daemon() {
	CLOCK_OFF=$dir/off LD_PRELOAD=$dir/clock.so "$build/monitord/monitord" -c "$rules" >>"$dir/log" 2>&1 &
	daemon=$!
}
newest() { ctl events --json | tail -n 1 | sed -E 's/.*"time":"([^"]*)".*/\1/'; }
ago_s() { echo $(($(date +%s) - $(date -d "$1" +%s))); }
another() { [ -n "$(pid_of "$1")" ] && [ "$(pid_of "$1")" != "$2" ] && is "$1" up; }
dies() {
	local old
	old=$(pid_of "$1")
	kill -KILL "$old"
	await 5 another "$1" "$old" || bad "$1 does not come back: $(ctl explain "$1")"
}
calm() { # WHAT: nothing was taken for a fault
	local kind
	sleep 2.5
	for kind in daemon-late check-down check-unknown service-stopping service-exited service-failed helper-lost incident-open; do
		[ "$(count_events $kind)" -eq 0 ] || bad "$1: $(ctl events --since "$last" | grep "$kind" | head -n 2)"
	done
	[ "$(pid_of b)" = "$b" ] && is b up && is fine up && ok "$1: nothing is taken for a fault" || bad "$1: $(ctl status)"
}
world_daemon
await 20 is a up && await 20 is fine up || { bad "it does not begin"; finish; }
b=$(pid_of b)

for jump in 3600 -3600 0; do
	echo "# the clock is set to $jump s from the true time"
	mark
	set_clock $jump
	calm "$jump s"
	dies a
	ago=$(ago_s "$(newest)")
	[ $((ago + jump)) -ge -5 ] && [ $((ago + jump)) -le 15 ] && ok "events bear the new time" || bad "told $ago s ago"
	sleep 3 # what its end led to is told by then
	ctl explain a | grep -q 'after -' && bad "a time below nothing: $(ctl explain a)"
done

echo "# a hold for 30 minutes"
ctl hold a --for 30m >/dev/null || bad "hold"
sleep 1
is a held || ctl status a --json | grep -q '"hold":true' || bad "not held"
kill -KILL "$daemon"
wait "$daemon" 2>/dev/null
set_clock 3600
world_daemon
released() { ctl status a --json | grep -q '"hold":false'; }
await 10 released && ok "is over when the clock says so" || bad "$(ctl status a --json)"
[ "$(pid_of b)" = "$b" ] && ok "nobody was started again" || bad "$(ctl status)"

echo "# monitord dies, the clock is set back by two hours meanwhile"
for _ in 1 2 3; do dies a; done
kill -KILL "$daemon"
wait "$daemon" 2>/dev/null
set_clock -3600
world_daemon
await 20 answers || bad "no answer"
await 10 is a up && await 10 is b up && await 10 is fine up || bad "$(ctl status)"
[ "$(pid_of b)" = "$b" ] && ok "nobody was started again" || bad "$(ctl status)"
mark
dies a
[ "$(count_events service-failed)" -eq 0 ] && ok "crashes of before count as they should" || bad "$(ctl events --since "$last")"
ids=$(ctl events --json | sed -E 's/.*"id":([0-9]+).*/\1/' | sort -n -c 2>&1)
[ -z "$ids" ] && ok "events keep their order" || bad "$ids"
[ -e "$dir/a.twice" ] || [ -e "$dir/b.twice" ] && bad "two at once: $(cat "$dir"/*.twice)"
finish
