#!/bin/bash
# The crash points: monitord is killed before its N-th system call of a start, a stop, a restart,
# of what it does about a crash, of its own beginning and of its own end, then begun again. After
# each: at most one instance lives, no other service was touched, what was decided is done and
# told, no event's number is lost or given twice.
#   points.sh [--all] [--step N] [--from N] [--until N] [--cgroup] [--no-cgroup] [--waits] [--bare]
#            [ACTION ...]
# As a test it takes a sample, and only where MONITORD_LONG is set; --all takes every N of every
# action, with control groups and where none can be written (half an hour; --cgroup, --no-cgroup:
# one of the two). --waits: of `begin` only where it waits for a child, as the one that keeps on disk
# which ids may be used. --bare: the target has neither word nor log: after a crash it has our own
# table of descriptors for a moment.
[ $# -gt 0 ] || sampled=yes
[ $# -gt 0 ] || [ -n "${MONITORD_LONG:-}" ] || { echo "skipped: takes minutes (MONITORD_LONG)"; exit 77; }
: "${MONITORD_SOURCE:=$(cd "$(dirname "$0")/../.." && pwd)}" "${MONITORD_BUILD:=$MONITORD_SOURCE/build}"
export MONITORD_SOURCE MONITORD_BUILD
step=9 limit_s=12 from=$((1 + $$ % 9)) until=100000 inside= all= actions= how=-r
words="ready 3 " ready="fd 3 within 10s" log="log = "
while [ $# -gt 0 ]; do
	case $1 in
	--all) step=1 from=1 limit_s=100000 all=yes ;;
	--step) step=$2 limit_s=100000 && shift ;;
	--from) from=$2 && shift ;;
	--until) until=$2 && shift ;;
	--cgroup) all= ;;
	--waits) how=-w ;;
	--bare) words= ready=exec log="; " ;;
	--no-cgroup) all= inside="unshare -m $MONITORD_SOURCE/test/system/no-cgroup.sh" ;;
	*) actions="$actions $1" ;;
	esac
	shift
done
: "${actions:=start stop restart crash begin end}"
if [ -n "$all" ]; then
	echo "# with control groups"
	# shellcheck disable=SC2086
	"$0" --all --cgroup $actions || failed=yes
	echo "# where none can be written"
	# shellcheck disable=SC2086
	"$0" --all --no-cgroup $actions || failed=yes
	[ -z "${failed:-}" ]
	exit
fi
. "$MONITORD_SOURCE/test/system/world.sh"
puppet=$build/test/system/puppet killer=$build/test/crash/killer
cat >"$rules" <<RULES
[monitord]
socket  = $sock
state   = $dir/state
helpers = $build
on-stop = stop

[service steady]
run   = $puppet sole $dir/steady sleep 4000000
ready = exec

[service target]
run     = $puppet sole $dir/target ${words}sleep 4000000
ready   = $ready
$log$dir/target.log
stop    = TERM 2s, KILL
backoff = 10ms..50ms
RULES
world_daemon() {
	# shellcheck disable=SC2086
	$inside "$build/monitord/monitord" -c "$rules" >>"$dir/log" 2>&1 &
	daemon=$!
}
state_of() { ctl status "$1" --json 2>/dev/null | sed -nE 's/.*"state":"([a-z]*)".*/\1/p' | head -n 1; }
is() { [ "$(state_of "$1")" = "$2" ]; }
living() { grep -lzxs "$dir/${1%?}[${1: -1}]" /proc/[0-9]*/cmdline | wc -l; } # its processes; not grep
one() { [ "$(living "$1")" -eq 1 ]; }
none() { [ "$(living "$1")" -eq 0 ]; }
told() { ctl events --json --since "$last" 2>/dev/null | grep -F '"object":"target"' | grep -qF "\"kind\":\"$1\""; }
ordered() { ctl events --json --since "$last" | grep -F '"object":"target"' | grep -qE '"kind":"command".*"text":"'"$1 "; }

gone() { not_there "$1"; }
fresh() { # OLD KILLER: another process runs, or nobody is left to start one
	gone "$2" && return
	[ -n "$(pid_of target)" ] && [ "$(pid_of target)" != "$1" ] && is target up
}
ready_said() { grep -q '^ready' "$dir/said"; }
# What is done while the calls are counted; it ends when the action has, or monitord was killed.
act() { # ACTION PID-OF-TARGET KILLER
	case $1 in
	crash)
		kill -KILL "$2"
		await 10 fresh "$2" "$3"
		;;
	end)
		kill -TERM "$daemon"
		await 20 gone "$3"
		;;
	begin) await 20 fresh "$2" "$3" ;;
	*) timeout 20 "$build/monitorctl" -s "$sock" "$1" target >/dev/null 2>&1 ;;
	esac
}
# What ACTION left as it is to be: sets deeds, and problem where it is not.
judge() { # ACTION PID-OF-TARGET
	deeds=up problem=
	[ "$1" = stop ] && ordered stop && deeds=stopped
	[ "$1" = start ] && ! ordered start && deeds=stopped
	await 15 is target "$deeds" || problem="it is $(state_of target), not $deeds"
	if [ "$deeds" = up ]; then await 5 one target; else await 5 none target; fi ||
		problem="$problem; $(living target) processes"
	case $1 in crash | begin) told service-exited || problem="$problem; its end is not told" ;; esac
	[ "$1" = restart ] && ordered restart && [ "$(pid_of target)" = "$2" ] && problem="$problem; not restarted"
	[ -e "$dir/target.twice" ] && problem="$problem; twice: $(cat "$dir/target.twice")"
	if [ "$1" = end ]; then # it stops all: they begin anew
		await 10 is steady up && await 5 one steady || problem="$problem; steady does not run"
		[ -e "$dir/steady.twice" ] && problem="$problem; steady twice"
		steady=$(pid_of steady)
	else
		[ "$(pid_of steady)" = "$steady" ] && one steady || problem="$problem; steady was touched"
	fi
	ctl events --json --since "$last" | sed -E 's/.*"id":([0-9]+).*/\1/' |
		awk -v last="$last" '$1 != last + 1 { exit 1 } { last = $1 }' || problem="$problem; numbers have gaps"
}
# point ACTION N: 0: killed there, and all was well; 1: something was not; 2: it takes fewer calls
point() {
	local action=$1 n=$2 before calls said deeds problem
	if [ "$action" = start ]; then ctl stop target >/dev/null; else ctl start target >/dev/null; fi
	before=$(pid_of target)
	mark
	: >"$dir/said"
	if [ "$action" = begin ]; then # one lives on, one dies while nobody looks
		kill -KILL "$daemon"
		await 5 gone "$daemon"
		kill -KILL "$before"
		# shellcheck disable=SC2086
		$inside "$killer" "$how" "$n" "$build/monitord/monitord" -c "$rules" >"$dir/said" 2>>"$dir/log" &
	else
		"$killer" "$daemon" "$n" >"$dir/said" 2>&1 &
	fi
	calls=$!
	await 20 ready_said || { bad "killer said: $(cat "$dir/said")"; return 2; }
	daemon=$(sed -n 's/^ready //p' "$dir/said")
	act "$action" "$before" "$calls"
	kill -TERM "$calls" 2>/dev/null
	wait "$calls" 2>/dev/null
	said=$(tail -n 1 "$dir/said")
	case $said in
	killed*) await 5 gone "$daemon" ;;
	*) [ "$action" != end ] && return 2 ;;
	esac
	[ "$action" = end ] && await 5 gone "$daemon"
	world_daemon
	await 10 answers || { bad "$action $n: monitord does not begin"; return 1; }
	judge "$action" "$before"
	if [ -z "$problem" ]; then
		case $said in killed*) return 0 ;; *) return 2 ;; esac
	fi
	bad "$action, killed at call $n (${said#killed }): ${problem#; }"
	ctl events --since "$last"
	rm -f "$dir"/*.twice
	return 1
}

world_daemon
await 20 is target up && await 5 is steady up || { bad "no world"; finish; }
steady=$(pid_of steady)
for action in $actions; do
	points=0 ends=0 until_ms=$(($(now) + limit_s * 1000)) n=$from
	while [ "$ends" -lt 2 ] && [ "$n" -le "$until" ] && [ "$(now)" -lt "$until_ms" ]; do
		point "$action" "$n"
		case $? in
		0) points=$((points + 1)) ends=0 ;;
		2) ends=$((ends + 1)) ;;
		esac
		n=$((n + step))
	done
	[ "$points" -gt 0 ] || [ "$from" -gt 9 ] && ok "$action: $points points up to call $((n - step)), by steps of $step" ||
		bad "$action: no point was reached"
done
if [ -n "${sampled:-}" ]; then
	echo "# where it waits for a child"
	"$0" --waits --from 1 --step 1 begin || bad "where it waits"
	echo "# with neither word nor log"
	"$0" --bare --from 1 --step 5 crash || bad "with neither word nor log"
	echo "# where no control group can be written"
	if ! unshare -m true 2>/dev/null; then
		echo "     skipped: nothing can be mounted here"
		finish
	fi
	"$0" --no-cgroup --step 601 start stop restart crash begin end || bad "without groups"
fi
finish
