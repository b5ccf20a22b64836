#!/bin/bash
# kill -9 of monitord at each system call of a switch by command: after its next start the front
# and the record agree, and the traffic flips at most once. A sample of the calls in a long
# test; all of them: MONITORD_CALLS="$(seq 1 200)" test/system/switch_crash.sh
[ -n "${MONITORD_LONG:-}${MONITORD_CALLS:-}" ] || { echo "SKIP: MONITORD_LONG is not set"; exit 77; }
. "${MONITORD_SOURCE:?}/test/system/world.sh"
calls=${MONITORD_CALLS:-$(seq 1 9 100)}
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
	grep -qF "\"active\":[\"$file\"]" <<<"${json// /}" && grep -qF "\"wanted\":[\"$file\"]" <<<"${json// /}"
}
await_agree() {
	for _ in $(seq 200); do agree && return; sleep 0.05; done
	return 1
}

tried=0 died=0
for n in $calls; do
	"$build/test/crash/killer" "$daemon" "$n" >"$dir/killer" &
	killer=$!
	for _ in $(seq 100); do grep -q ready "$dir/killer" && break; sleep 0.02; done
	watch_file >"$dir/said" &
	watcher=$!
	timeout 5 "$build/monitorctl" -s "$sock" reroute site secondary >/dev/null 2>&1
	kill "$killer" 2>/dev/null
	wait "$killer" 2>/dev/null
	tried=$((tried + 1))
	if grep -q killed "$dir/killer"; then
		died=$((died + 1))
		wait "$daemon" 2>/dev/null
		world_daemon
	fi
	for _ in $(seq 100); do ctl status site >/dev/null 2>&1; [ $? -ne 1 ] && break; sleep 0.05; done
	await_agree || bad "call $n: the front says $(paste -sd, "$dir/active"), the record $(ctl status site --json)"
	sleep 0.5
	agree || bad "call $n: they agreed, and do not any more"
	kill "$watcher"
	wait "$watcher" 2>/dev/null
	said=$(paste -sd' ' "$dir/said")
	case $said in
	primary | "primary secondary" | secondary) ;;
	*) bad "call $n: the front said $said" ;;
	esac
	ctl restore site >/dev/null 2>&1
	for _ in $(seq 100); do [ "$(cat "$dir/active")" = primary ] && break; sleep 0.05; done
	await_agree || bad "call $n: not restored"
	[ "$failures" -eq 0 ] || break
done
[ "$died" -gt 0 ] || bad "it was never killed"
ok "$tried switches, monitord killed in $died of them"
ctl stop all >/dev/null 2>&1
finish
