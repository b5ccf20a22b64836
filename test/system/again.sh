#!/bin/bash
# A section that goes and comes back at once: its next instance is not ended as a left-over of
# the one before, and nothing else is touched.
. "${MONITORD_SOURCE:?}/test/system/world.sh"
write_rules() { # SECTIONS
	printf '[monitord]\nsocket = %s\nstate = %s\nhelpers = %s\non-stop = stop\n%b' \
		"$sock" "$dir/state" "$build" "$1" >"$rules"
}
stays='[service stays]\nrun = /bin/sleep 600\nready = after 10ms\n'
other='[service other]\nrun = /bin/sleep 600\nready = after 10ms\nstop = TERM 1s, KILL\nbackoff = 50ms..50ms\n'
until_up() { # NAME SECONDS
	local end=$(($(now) + $2 * 1000))
	until ctl status "$1" --json 2>/dev/null | grep -q '"state":"up"'; do
		[ "$(now)" -lt "$end" ] || return 1
		sleep 0.02
	done
}
write_rules "$stays$other"
world_daemon
until_up stays 20 && until_up other 20 || bad "they do not begin"
code() { curl -s -o /dev/null -w '%{http_code}' --path-as-is --unix-socket "$sock" "http://localhost$1"; }
[ "$(code /v1/services/%73tays)" = 200 ] && [ "$(code /v1/services/stays%00x)" = 404 ] &&
	[ "$(code /v1/services/stays%)" = 404 ] && ok "a name is taken whole" ||
	bad "a NUL ends a name: $(code /v1/services/stays%00x)"
pid=$(pid_of stays)
fds=$(ls "/proc/$daemon/fd" | wc -l)
mark
for _ in $(seq 5); do
	write_rules "$stays"
	ctl reload >/dev/null || bad "reload without it"
	write_rules "$stays$other"
	ctl reload >/dev/null || bad "reload with it"
	until_up other 10 || bad "it does not come back: $(ctl status)"
done
[ "$(count_events service-retired)" -eq 5 ] && ok "gone and back five times" || bad "$(ctl events)"
again=$(pid_of other)
sleep 1.5 # beyond its ladder's first step: what ended the earlier ones must be over
[ -n "$again" ] && [ "$(pid_of other)" = "$again" ] && ok "the last one lives" ||
	bad "$again, now $(pid_of other): $(ctl events --since "$last" | tail -n 5)"
[ "$(count_events service-exited)" -eq 0 ] && ok "none was ended" || bad "$(ctl events --since "$last" | grep exited)"
echo "# one that takes its time to end"
deaf="[service deaf]\\nrun = $build/test/system/puppet sole $dir/deaf deaf 15 sleep 4000000\\nready = exec\\nstop = TERM 1s, KILL\\n"
write_rules "$stays$deaf"
ctl reload >/dev/null || bad "reload with it"
until_up deaf 10 || bad "it does not begin"
sleep 0.3 # it is deaf by now
mark
write_rules "$stays"
ctl reload >/dev/null || bad "reload without it"
write_rules "$stays$deaf"
ctl reload >/dev/null || bad "reload with it"
event service-waits deaf 5 && ok "it waits, and says so" || bad "$(ctl events --since "$last")"
until_up deaf 10 && ok "and runs when the one before has ended" || bad "it does not come back: $(ctl status)"
[ "$(count_events start-failed)" -eq 0 ] && ok "no start failed" || bad "$(ctl events --since "$last" | grep failed)"
deaf_pid=$(pid_of deaf)
[ -e "$dir/deaf.twice" ] && bad "two at once: $(cat "$dir/deaf.twice")"
write_rules "$stays"
ctl reload >/dev/null
write_rules "$stays$deaf"
ctl reload >/dev/null
event service-waits deaf 5
timeout 10 "$build/monitorctl" -s "$sock" stop deaf >/dev/null && ctl status deaf --json | grep -q '"state":"stopped"' &&
	ok "who waits can be stopped" || bad "$(ctl status deaf)"
[ "$(pid_of stays)" = "$pid" ] && ok "the one beside it never noticed" || bad "$(ctl status)"
[ "$(ls "/proc/$daemon/fd" | wc -l)" -le $((fds + 1)) ] && ok "no descriptor is left behind" ||
	bad "$fds, then $(ls "/proc/$daemon/fd" | wc -l)"
kill -TERM "$daemon"
wait "$daemon" 2>/dev/null
daemon=
kill -0 "$deaf_pid" 2>/dev/null && bad "process $deaf_pid of the section that went is left behind" ||
	ok "who is on his way out ends before monitord does"
finish
