#!/bin/bash
# kill -9 of monitord, then of its helper routes, at each system call of a switch by command:
# after its next start the front and the record agree, and the traffic flips at most once.
#   MONITORD_CALLS=all test/system/switch_crash.sh     every call; or a list of them
# As a long test it takes every third, for as long as it may.
[ -n "${MONITORD_LONG:-}${MONITORD_CALLS:-}" ] || { echo "SKIP: MONITORD_LONG is not set"; exit 77; }
: "${MONITORD_SOURCE:=$(cd "$(dirname "$0")/../.." && pwd)}" "${MONITORD_BUILD:=$MONITORD_SOURCE/build}"
. "$MONITORD_SOURCE/test/system/world.sh"
case ${MONITORD_CALLS:=sample} in
all) from=1 step=1 limit_s=100000 ;;
sample) from=$((1 + $$ % 3)) step=3 limit_s=50 ;;
*) from=1 step=0 limit_s=100000 ;;
esac
world_rules
sed -i 's/^on-stop = stop$/on-stop = leave/; s/^return  = after 1s$/return  = after 200ms/' "$rules"
world_begin

watch_file() { # the front's file, each time that it says something else
	local was=
	while :; do
		is=$(cat "$dir/active" 2>/dev/null)
		[ "$is" != "$was" ] && echo "$is" && was=$is
		sleep 0.005
	done
}
agree() { # what the front does, what the record says is done, and what is wanted
	local json file
	file=$(paste -sd, "$dir/active")
	json=$(ctl status site --json 2>/dev/null) # its exit code tells whether all is well
	json=${json// /}
	[[ $json == *"\"active\":[\"$file\"]"* && $json == *"\"wanted\":[\"$file\"]"* ]]
}
is_primary() { [ "$(cat "$dir/active")" = primary ]; }
has_routes() { [ -n "$(helper_pid monitord-routes)" ]; }
ready_said() { grep -q '^ready' "$dir/killer"; }

# point WHO N: 0: killed there; 2: it takes fewer calls. What is not well is told.
point() {
	local who=$1 n=$2 victim=$daemon killer watcher killed=
	[ "$who" = routes ] && victim=$(helper_pid monitord-routes)
	: >"$dir/killer"
	"$build/test/crash/killer" "$victim" "$n" >"$dir/killer" 2>&1 &
	killer=$!
	await 3 ready_said
	if grep -q 'attaching: Operation not permitted' "$dir/killer"; then
		echo "skipped: nobody may be traced here"
		exit 77
	fi
	ready_said || { bad "killer said: $(cat "$dir/killer")"; return 2; }
	watch_file >"$dir/said" &
	watcher=$!
	timeout 5 "$build/monitorctl" -s "$sock" reroute site secondary >/dev/null 2>&1
	kill "$killer" 2>/dev/null
	wait "$killer" 2>/dev/null
	grep -q '^killed' "$dir/killer" && killed=yes
	if [ -n "$killed" ] && [ "$who" = monitord ]; then
		wait "$daemon" 2>/dev/null
		world_daemon
	fi
	await 5 answers || bad "$who, call $n: no answer"
	await 10 agree || bad "$who, call $n: the front says $(paste -sd, "$dir/active"), the record $(ctl status site --json)"
	sleep 0.4
	agree || bad "$who, call $n: they agreed, and do not any more"
	kill "$watcher"
	wait "$watcher" 2>/dev/null
	said=$(paste -sd' ' "$dir/said")
	case $said in
	primary | "primary secondary" | secondary) ;;
	*) bad "$who, call $n: the front said $said" ;;
	esac
	ctl restore site >/dev/null 2>&1
	await 5 is_primary
	await 10 agree || bad "$who, call $n: not restored"
	await 10 has_routes || bad "$who, call $n: no routes"
	[ -n "$killed" ] || return 2
}

for who in monitord routes; do
	died=0 ends=0 last_n=0 until_ms=$(($(now) + limit_s * 1000))
	if [ "$step" -gt 0 ]; then calls=$(seq "$from" "$step" 2000); else calls=$MONITORD_CALLS; fi
	for n in $calls; do
		[ "$ends" -lt 2 ] && [ "$failures" -eq 0 ] && [ "$(now)" -lt "$until_ms" ] || break
		if point "$who" "$n"; then died=$((died + 1)) ends=0; else ends=$((ends + 1)); fi
		last_n=$n
	done
	[ "$died" -gt 0 ] || bad "$who was never killed"
	[ "$failures" -gt 0 ] || ok "$who: killed in $died switches, up to its call $last_n"
done
ctl stop all >/dev/null 2>&1
finish
