#!/bin/bash
# Services that are systemd's units: without systemd that is said; with it (a real manager, of a
# user, in a mount namespace of its own, which systemctl is led to) they are found, started,
# stopped and restarted, and a death is told with its cause.
. "${MONITORD_SOURCE:?}/test/system/world.sh"
puppet=$build/test/system/puppet
[ "$(id -u)" -eq 0 ] || { echo "skipped: needs root"; exit 77; }
cat >"$rules" <<RULES
[monitord]
socket  = $sock
state   = $dir/state
helpers = $build

[service mtest]
unit    = mtest
ready   = exec
backoff = 50ms..100ms

[service runs]
unit  = runs.service
ready = exec

[service none]
unit    = none.service
backoff = 1h..1h
RULES
if [ -z "${MONITORD_UNIT_INSIDE:-}" ]; then
	if [ ! -d /run/systemd/system ]; then
		echo "# no systemd runs here"
		world_daemon
		await 10 ctl events
		out=$(timeout 10 "$build/monitorctl" -s "$sock" start mtest 2>&1)
		[ $? -eq 3 ] && grep -q 'systemd does not run here' <<<"$out" && ok "$out" || bad "it said: $out"
	fi
	[ -x /lib/systemd/systemd ] && [ -x /bin/systemctl ] || { echo "     skipped: no systemd is installed"; finish; }
	MONITORD_UNIT_INSIDE=1 unshare -m --propagation private "$0" || bad "with systemd"
	finish
fi

echo "# with systemd"
cp /bin/systemctl "$dir/systemctl"
mount -t tmpfs tmpfs /run && mkdir -p /run/systemd/system /run/user/0 || exit 1
printf '#!/bin/sh\nXDG_RUNTIME_DIR=/run/user/0 exec %s/systemctl --user "$@"\n' "$dir" >"$dir/stub"
chmod 755 "$dir/stub"
mount --bind "$dir/stub" "$(readlink -f /bin/systemctl)" || exit 1
units=$dir/units
mkdir "$units" "$dir/home"
for u in default.target shutdown.target exit.target; do printf '[Unit]\nDefaultDependencies=no\n' >"$units/$u"; done
printf '[Unit]\nDefaultDependencies=no\n[Service]\nExecStart=/bin/true\n' >"$units/systemd-exit.service"
for u in mtest runs; do
	printf '[Unit]\nDefaultDependencies=no\nStartLimitIntervalSec=0\n[Service]\nExecStart=%s sole %s/%s sleep 4000000\n' \
		"$puppet" "$dir" "$u" >"$units/$u.service"
done
env -i PATH="$PATH" HOME="$dir/home" XDG_RUNTIME_DIR=/run/user/0 SYSTEMD_UNIT_PATH="$units" \
	/lib/systemd/systemd --user >"$dir/systemd.log" 2>&1 &
manager=$!
kids="$kids $manager"
await 10 /bin/systemctl is-system-running --quiet || await 10 test -S /run/user/0/systemd/private ||
	{ echo "     skipped: systemd cannot run here: $(tail -n 2 "$dir/systemd.log")"; finish; }
main_of() { /bin/systemctl show --property=MainPID --value "$1"; }
/bin/systemctl start runs || { echo "     skipped: it starts no unit here: $(tail -n 2 "$dir/systemd.log")"; finish; }
old=$(main_of runs)
world_daemon
await 15 is mtest up && await 15 is runs up || bad "not up: $(ctl status)"
[ "$(pid_of runs)" = "$old" ] && ok "what runs already is found, and not started again" || bad "$(pid_of runs), not $old"
[ -n "$(pid_of mtest)" ] && [ "$(pid_of mtest)" = "$(main_of mtest)" ] && ok "started, and its main process is held" ||
	bad "$(pid_of mtest), not $(main_of mtest)"
await 10 grep -q 'none cannot be started: its start command ended with exit code' "$dir/log" &&
	ok "$(grep -o 'none cannot be started.*' "$dir/log" | head -n 1 | cut -c 1-120)" || bad "$(ctl explain none)"

echo "# it is killed"
mark
old=$(pid_of mtest)
kill -KILL "$old"
event service-exited mtest 5 && grep -q 'signal 9' <<<"$event" && ok "told with its cause" || bad "event: $event"
fresh() { [ -n "$(pid_of mtest)" ] && [ "$(pid_of mtest)" != "$old" ] && is mtest up; }
await 15 fresh && ok "it runs again" || bad "$(ctl explain mtest)"

echo "# commands"
old=$(pid_of mtest)
ctl restart mtest >/dev/null && await 5 fresh && ok "restarted" || bad "restart: $(ctl explain mtest)"
ctl stop mtest >/dev/null && is mtest stopped && [ "$(main_of mtest)" = 0 ] && ok "stopped" || bad "stop: $(ctl explain mtest)"
sleep 1
is mtest stopped && [ "$(main_of mtest)" = 0 ] && ok "and stays so" || bad "it came back"
/bin/systemctl start mtest
await 15 test -n "$(main_of mtest)" || bad "systemctl start"
kill -KILL "$daemon"
wait "$daemon" 2>/dev/null
[ "$(main_of runs)" = "$(pgrep -f "sole $dir/run[s]")" ] && ok "units go on without us" || bad "runs is gone"
world_daemon
await 15 is runs up && [ "$(pid_of runs)" = "$(main_of runs)" ] && ok "and are found again" || bad "$(ctl status)"
[ -e "$dir/mtest.twice" ] || [ -e "$dir/runs.twice" ] && bad "two at once"
ctl stop all >/dev/null
/bin/systemctl stop mtest runs
finish
