#!/bin/bash
# Each helper hangs, then dies, while a service dies: the repair happens all the same, the
# helper is replaced, and nothing was decided on facts that nobody measured.
. "${MONITORD_SOURCE:?}/test/system/world.sh"
world_rules
world_begin
for name in monitord-probes-net monitord-probes-local monitord-routes monitord-alerts monitord-status; do
	echo "# $name hangs, the primary dies, $name is killed"
	helper=$(helper_pid "$name")
	old=$(pid_of primary)
	others="$(pid_of front) $(pid_of secondary)"
	[ -n "$helper" ] && [ -n "$old" ] || { bad "no $name, or no primary"; continue; }
	mark
	kill -STOP "$helper"
	fault_ms=$(now)
	kill -KILL "$old"
	if [ "$name" = monitord-status ]; then
		sleep 1 # it cannot answer: what happened is read from its successor
	else
		wants service-started primary 5
	fi
	kill -KILL "$helper"
	await_up 30 || bad "not well again"
	[ "$name" = monitord-status ] && wants service-started primary 5
	wants helper-back monitord 10
	new=$(helper_pid "$name")
	[ -n "$new" ] && [ "$new" != "$helper" ] && ok "$name is another process" || bad "$name was not replaced"
	[ "$others" = "$(pid_of front) $(pid_of secondary)" ] && ok "nobody else was touched" ||
		bad "others were $others"
	[ "$(count_events check-down)" -eq 0 ] && ok "no check was called down" ||
		bad "$(count_events check-down) checks were called down"
done

if [ "$(id -u)" -eq 0 ] && ! grep -q '^SANITIZE = .*address' "$build/Makefile"; then
	echo "# a script has the probes' user: it may not look into them, where passwords are"
	for name in monitord-probes-net monitord-probes-local monitord-alerts monitord-status; do
		helper=$(helper_pid "$name")
		user=$(awk '/^Uid:/ { print $2 }' "/proc/$helper/status")
		as="setpriv --reuid=$user --regid=$user --clear-groups"
		[ "$user" -ne 0 ] && $as kill -0 "$helper" || bad "$name has user $user"
		$as head -c 1 "/proc/$helper/environ" >/dev/null 2>&1 && bad "$name: its memory is open to user $user"
		$as ls "/proc/$helper/fd" >/dev/null 2>&1 && bad "$name: its descriptors are open to user $user"
	done
	ok "neither memory nor descriptors"
fi

echo "# a helper that cannot die holds up nobody"
helper=$(helper_pid monitord-probes-net)
coproc "$build/test/system/puppet" pin "$helper" wait
kids="$kids $COPROC_PID"
pinner=$COPROC_PID
if read -r -t 10 _ <&"${COPROC[0]}"; then
	mark
	fault_ms=$(now)
	kill -STOP "$helper" # it does not answer, and is killed
	wants helper-lost monitord 20
	wants helper-back monitord 10
	kill -0 "$helper" 2>/dev/null && ok "the old one is there still" || bad "it could die"
	old=$(pid_of primary)
	kill -KILL "$old"
	wants service-up primary 10
	kill "$pinner"
	for _ in $(seq 100); do kill -0 "$helper" 2>/dev/null || break; sleep 0.1; done
	kill -0 "$helper" 2>/dev/null && bad "it was not reaped" || ok "it is reaped when it ends"
else
	echo "SKIP: nobody may be traced here"
fi
finish
