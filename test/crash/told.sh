#!/bin/bash
# What was decided is told: a service dies, and monitord is killed before its N-th system call
# from then on, up to where the mail has been handed over; then it is begun again. Each incident's
# beginning is told at least once, always by one Message-ID, and in the order of the events.
#   told.sh [--all] [--step N] [--from N]
# As a test it takes a sample, and only where MONITORD_LONG is set; --all takes every N, in worlds
# beside each other, as each mostly waits for an incident to gather: two minutes.
[ $# -gt 0 ] || [ -n "${MONITORD_LONG:-}" ] || { echo "skipped: takes minutes (MONITORD_LONG)"; exit 77; }
: "${MONITORD_SOURCE:=$(cd "$(dirname "$0")/../.." && pwd)}" "${MONITORD_BUILD:=$MONITORD_SOURCE/build}"
if [ "${1:-}" = --all ]; then
	worlds=4 status=0 lanes=()
	said=$(mktemp -d) || exit 1
	for n in $(seq $worlds); do
		"$0" --step $worlds --from "$n" >"$said/$n" 2>&1 &
		lanes+=($!)
	done
	for n in $(seq $worlds); do
		wait "${lanes[n - 1]}" || status=1
		grep -v ' Killed  ' "$said/$n"
	done
	rm -r "$said"
	exit $status
fi
. "$MONITORD_SOURCE/test/system/world.sh"
killer=$build/test/crash/killer
step=17 from=$((1 + $$ % 17)) limit_s=60
while [ $# -gt 0 ]; do
	case $1 in
	--step) step=$2 from=1 limit_s=100000 && shift ;;
	--from) from=$2 && shift ;;
	esac
	shift
done
most=400 # calls; far more than there are
{
	cat <<RULES
[monitord]
socket  = $sock
state   = $dir/state
helpers = $build
smtp    = 127.0.0.1:$mail
from    = monitord@test.example
alert   = ops
on-stop = stop

[contact ops]
mail = ops@test.example
rate = 1000 in 1s
RULES
	# one for each point: what dies again would flap
	for n in $(seq "$from" "$step" "$most"); do
		printf '\n[service t%d]\nrun = /bin/sleep 4000000\nready = exec\nbackoff = 10ms..50ms\n' "$n"
	done
} >"$rules"

heads() { # of each mail: its event, its Message-ID, its object, those that tell a beginning
	awk '/^From monitord-demo/ { head = 1; id = event = object = "" }
		head && /^Message-ID: / { id = $2 }
		head && /^X-Monitord-Event: / { event = $2 }
		head && /^X-Monitord-Object: / { object = $2 }
		head && /^$/ { head = 0; if (id ~ /^<open\./) print event, id, object }' "$dir/mailbox"
}
told() { heads | grep -q " $1\$"; }
dead() { ! kill -0 "$1" 2>/dev/null; }
over() { dead "$2" || told "$1"; }

# point N: 0: killed there, and all was well; 1: something was not; 2: it was told before
point() {
	local n=$1 pid calls said
	pid=$(pid_of "t$1") # before it counts: to answer takes calls too
	: >"$dir/said"
	"$killer" "$daemon" "$n" >"$dir/said" 2>&1 &
	calls=$!
	await 5 test -s "$dir/said"
	grep -q '^ready' "$dir/said" || { bad "killer said: $(cat "$dir/said")"; return 2; }
	kill -KILL "$pid"
	await 20 over "t$n" "$calls" || { bad "$n: neither killed nor told"; return 1; }
	kill -TERM "$calls" 2>/dev/null
	wait "$calls" 2>/dev/null
	said=$(tail -n 1 "$dir/said")
	case $said in
	killed*) ;;
	*) return 2 ;;
	esac
	wait "$daemon" 2>/dev/null
	world_daemon
	await 10 answers || { bad "$n: monitord does not begin"; return 1; }
	await 30 told "t$n" && return 0
	bad "killed at call $n (${said#killed }): not told; $(ctl events | grep "t$n")"
	return 1
}

touch "$dir/mailbox"
"$demo" sink "$mail" "$dir/mailbox" >/dev/null 2>&1 &
kids=$!
world_daemon
await_up 60 || { bad "no world"; finish; }
points=0 ends=0 until_ms=$(($(now) + limit_s * 1000)) n=$from
while [ "$ends" -lt 2 ] && [ "$n" -le "$most" ] && [ "$(now)" -lt "$until_ms" ]; do
	point "$n"
	case $? in
	0) points=$((points + 1)) ends=0 ;;
	2) ends=$((ends + 1)) ;;
	esac
	n=$((n + step))
done
[ "$points" -gt 0 ] && ok "$points points up to call $((n - step)), by steps of $step, each told" ||
	bad "no point was reached"
sleep 1 # what was handed over twice has come by then
two=$(heads | awk '{ print $3, $2 }' | sort -u | awk '{ print $1 }' | uniq -d)
[ -z "$two" ] && ok "each by one Message-ID" || bad "by two: $two: $(heads)"
heads | awk '!seen[$2]++ { if ($1 < last) exit 1; last = $1 }' && ok "in order" || bad "not in order: $(heads)"
many=$(heads | awk '{ print $2 }' | sort | uniq -c | awk '$1 > 2')
[ -z "$many" ] && ok "none more than twice" || bad "more than twice: $many"
finish
