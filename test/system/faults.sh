#!/bin/bash
# What the system may refuse monitord, with the real daemon: processes, descriptors, room on the
# disk, a folder that cannot be written, its own time, its control groups. Each is told with its
# reason, nothing is lost, and all goes on when it is over.
. "${MONITORD_SOURCE:?}/test/system/world.sh"
puppet=$build/test/system/puppet
[ -n "${MONITORD_LONG:-}" ] || { echo "skipped: takes a minute (MONITORD_LONG)"; exit 77; }
[ "$(id -u)" -eq 0 ] || { echo "skipped: needs root"; exit 77; }
unshare -m true 2>/dev/null || { echo "skipped: nothing can be mounted here"; exit 77; }
said() { ctl events --json --since "${2:-0}" | grep -qE "$1"; }
begin() { # [FOLDER]: a small world whose state lies there
	state=${1:-$dir/state}
	cat >"$rules" <<RULES
[monitord]
socket  = $sock
state   = $state
helpers = $build
smtp    = 127.0.0.1:$mail
alert   = ops
on-stop = stop

[contact ops]
mail = ops@test.example

[service a]
run     = $puppet sole $dir/a sleep 4000000
ready   = exec
backoff = 50ms..200ms

[service b]
run     = $puppet sole $dir/b sleep 4000000
ready   = exec
log     = $dir/b.log

[check fine]
script = /bin/true
every  = 100ms
RULES
	world_daemon
	await 20 is a up && await 20 is b up && await 20 is fine up || bad "it did not begin: $(ctl status)"
}
end() {
	kill -TERM "$daemon" 2>/dev/null
	await 20 not_there "$daemon" || bad "it does not end"
	wait "$daemon" 2>/dev/null
	[ -e "$dir/a.twice" ] || [ -e "$dir/b.twice" ] && bad "two at once: $(cat "$dir"/*.twice)"
}
"$demo" sink "$mail" "$dir/mailbox" >/dev/null 2>&1 &
kids="$kids $!"
touch "$dir/mailbox"

echo "# no more processes (pids cgroup)"
pids=$(awk '$3 == "cgroup" && $4 ~ /(^|,)pids(,|$)/ { print $2 }' /proc/self/mounts | head -n 1)
if [ -n "$pids" ] && mkdir "$pids/mtest.$$" 2>/dev/null; then
	begin
	for p in "$daemon" $(helpers_of | awk '{ print $1 }'); do echo "$p" >"$pids/mtest.$$/cgroup.procs"; done
	least=$(for _ in $(seq 20); do cat "$pids/mtest.$$/pids.current"; sleep 0.02; done | sort -n | head -n 1)
	echo "$least" >"$pids/mtest.$$/pids.max" # and not one more: a check's process may have been counted
	mark
	kill -KILL "$(pid_of a)"
	await 10 said 'no process could be made: Resource temporarily unavailable' "$last" &&
		ok "told: no process could be made: Resource temporarily unavailable" || bad "$(ctl explain a)"
	await 5 is b up && ok "the other goes on" || bad "$(ctl status b)"
	echo max >"$pids/mtest.$$/pids.max"
	await 10 is a up && ok "it runs once there is room" || bad "$(ctl explain a)"
	end
	await 5 rmdir "$pids/mtest.$$"
else
	echo "     skipped: no pids controller of version 1 can be written here"
fi

echo "# no more processes, as an ordinary user (RLIMIT_NPROC)"
user=64123 # nobody's: all its processes are ours
as="setpriv --reuid=$user --regid=$user --clear-groups"
if $as test -x "$build/monitorctl"; then
	mkdir "$dir/own"
	chown $user:$user "$dir/own"
	(
		sock=$dir/own/run/status.sock
		printf '[monitord]\nsocket = %s\nstate = %s/own/state\nhelpers = %s\non-stop = stop\n' "$sock" "$dir" "$build"
		printf '[service a]\nrun = /bin/sleep 4000000\nready = exec\nbackoff = 50ms..200ms\n'
	) >"$dir/own.ini"
	$as "$build/monitord/monitord" -c "$dir/own.ini" >>"$dir/log" 2>&1 &
	daemon=$! small=$sock sock=$dir/own/run/status.sock
	await 20 is a up || bad "it did not begin: $(ctl status)"
	mark
	$as prlimit --pid "$daemon" --nproc=1:
	kill -KILL "$(pid_of a)"
	await 10 said 'no process could be made: Resource temporarily unavailable' "$last" && ok "told" || bad "$(ctl explain a)"
	$as prlimit --pid "$daemon" --nproc=100:
	await 10 is a up && ok "it runs once there is room" || bad "$(ctl explain a)"
	kill -TERM "$daemon"
	await 20 not_there "$daemon" || bad "it does not end"
	wait "$daemon" 2>/dev/null
	sock=$small
else
	echo "     skipped: the build folder is closed to others"
fi

echo "# no more descriptors"
begin
mark
a=$(pid_of a)
used=$(find "/proc/$daemon/fd" -mindepth 1 | wc -l)
prlimit --pid "$daemon" --nofile="$((used - 3)):"
kill -KILL "$a"
await 10 grep -q 'Too many open files' "$dir/log" && ok "told: $(grep -m 1 'Too many open files' "$dir/log" | cut -c 1-100)" ||
	bad "nothing is told: $(tail -n 3 "$dir/log")"
sleep 0.5
kill -0 "$daemon" && ok "it lives" || bad "it died"
prlimit --pid "$daemon" --nofile=1024:
most=0 # a helper is begun with what those leave that are open now
for _ in $(seq 20); do
	used=$(find "/proc/$daemon/fd" -mindepth 1 | wc -l)
	[ "$used" -gt "$most" ] && most=$used
	sleep 0.02
done
prlimit --pid "$daemon" --nofile="$((most + 1)):"
mark
kill -KILL "$(helper_pid monitord-status)"
answers() { ctl status | grep -q '^service'; } # whatever it says of those who have no descriptor meanwhile
await 10 answers && ! said 'status is gone .exit code' "$last" && ok "a helper comes back with the last of them" ||
	bad "$(ctl status 2>&1; grep 'is gone' "$dir/log" | tail -n 2)"
prlimit --pid "$daemon" --nofile=1024:
await 15 is a up && ok "it runs once there are descriptors" || bad "$(ctl explain a)"
await 15 is fine up && said '"check-down".*"fine"' "$last" && bad "a check was called down for our own want"
end

echo "# no room on the disk of the state, then a state that cannot be written"
mkdir "$dir/small"
mount -t tmpfs -o size=600k tmpfs "$dir/small" || bad "no tmpfs"
mkdir "$dir/small/state"
begin "$dir/small/state"
head -c 10M /dev/zero >"$dir/small/filler" 2>/dev/null
mails=$(mails)
kill -KILL "$(pid_of a)"
await 10 is a up && ok "a full disk holds up no restart" || bad "$(ctl explain a)"
ctl stop b >/dev/null && ok "and no command" || bad "stop"
sleep 1
mark
rm "$dir/small/filler"
more_mails() { [ "$(mails)" -gt "$mails" ]; }
await 20 more_mails && ok "the mail is sent when there is room again" || bad "no mail: $(grep alerts "$dir/log" | tail -n 3)"
ctl start b >/dev/null || bad "start"
mount --bind "$dir/small/state" "$dir/small/state" && mount -o remount,bind,ro "$dir/small/state" || bad "no mount"
kill -KILL "$(pid_of a)"
await 10 is a up && ok "nor does one that cannot be written" || bad "$(ctl explain a)"
kill -KILL "$daemon"
wait "$daemon" 2>/dev/null
timeout 10 "$build/monitord/monitord" -c "$rules" >"$dir/ro" 2>&1
code=$?
[ "$code" -ne 0 ] && grep -q 'Read-only file system' "$dir/ro" && ok "begun there, it refuses: $(tail -n 1 "$dir/ro" | cut -c 1-120)" ||
	bad "exit $code: $(cat "$dir/ro")"
umount -l "$dir/small/state"
world_daemon
await 20 is a up || bad "not back"
end
umount -l "$dir/small"
no_mounts() { ! grep -q "$dir" /proc/self/mounts; }
await 5 no_mounts || bad "mounts are left"

echo "# nobody reads its log: a pipe that is full, then a socket as the journal's"
cat >"$dir/deaf.py" <<'PY'
import os, socket, subprocess, sys
how, rest = sys.argv[1], sys.argv[2:]
if how == "pipe":
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    try:
        while True:
            os.write(writer, b"x" * 4096)
    except BlockingIOError:
        os.set_blocking(writer, True)
else:
    ours, theirs = socket.socketpair()
    reader, writer = ours.fileno(), theirs.fileno()
    theirs.setblocking(False)
    try:
        while True:
            theirs.send(b"x" * 4096)
    except BlockingIOError:
        theirs.setblocking(True)
child = subprocess.Popen(rest, stderr=writer, stdout=subprocess.DEVNULL)
print(child.pid, flush=True)
sys.stdin.readline() # then it is read again
while True:
    got = os.read(reader, 65536)
    sys.stdout.write(got.decode(errors="replace").lstrip("x"))
    sys.stdout.flush()
PY
for how in pipe socket; do
	mkfifo "$dir/go"
	world_daemon() {
		python3 "$dir/deaf.py" $how "$build/monitord/monitord" -c "$rules" <"$dir/go" >"$dir/heard" &
		reader=$!
		exec 8>"$dir/go"
		for _ in $(seq 100); do read -r daemon <"$dir/heard" && [ -n "$daemon" ] && break; sleep 0.05; done
	}
	begin
	a=$(pid_of a)
	kill -KILL "$a"
	await 10 is a up && [ "$(pid_of a)" != "$a" ] && ok "$how: it repairs all the same" || bad "$how: $(ctl explain a)"
	echo >&8
	for _ in 1 2 3; do
		kill -KILL "$(pid_of a)"
		sleep 0.3
	done
	await 10 grep -q 'times nobody took what was to be logged' "$dir/heard" && ok "$how: and says what was lost" ||
		bad "$how: $(tail -n 3 "$dir/heard")"
	kill -TERM "$daemon"
	await 20 not_there "$daemon" || bad "$how: it does not end"
	kill "$reader"
	wait "$reader" 2>/dev/null
	exec 8>&-
	rm "$dir/go"
done
world_daemon() {
	"$build/monitord/monitord" -c "$rules" >>"$dir/log" 2>&1 &
	daemon=$!
}

echo "# its own standard descriptors are closed"
world_daemon() {
	"$build/monitord/monitord" -c "$rules" <&- >&- 2>&- &
	daemon=$!
}
begin
[ "$(readlink /proc/"$daemon"/fd/{0,1,2} | sort -u)" = /dev/null ] && ok "none of its files is taken for one" ||
	bad "$(ls -l "/proc/$daemon/fd")"
end
world_daemon() {
	"$build/monitord/monitord" -c "$rules" >>"$dir/log" 2>&1 &
	daemon=$!
}

echo "# it stands still for a minute"
begin
a=$(pid_of a) b=$(pid_of b)
mark
kill -STOP "$daemon"
kill -KILL "$b"
sleep 60
kill -CONT "$daemon"
await 10 is b up && [ "$(pid_of a)" = "$a" ] && ok "who died meanwhile runs again, nobody else was touched" || bad "$(ctl status)"
await 5 said '"daemon-late"' "$last" && ok "told" || bad "its own standstill is not told"
said '"check-down"|"check-unknown"' "$last" && bad "a check was judged by it" || ok "no check was judged by it"
n=$(ctl events --json --since "$last" | grep -c '"service-exited"')
[ "$n" -eq 1 ] && ok "one death, once" || bad "$n deaths are told"
end

echo "# hundreds of reloads"
begin
size_of() { awk '$1 == "VmRSS:" { print $2 }' "/proc/$1/status"; }
sizes() { # of monitord and its helpers, KiB
	local p
	for p in "$daemon" $(helpers_of | sort -k 2 | awk '{ print $1 }'); do size_of "$p"; done | paste -sd' '
}
level() { # hardly more than 200 reloads before; the first times something is done take some
	awk -v was="$1" -v is="$2" 'BEGIN {
		n = split(was, w); split(is, v)
		for (i = 1; i <= n; i++) if (v[i] > w[i] * 1.03 + 128) exit 1
		exit n == 0 }'
}
a=$(pid_of a) was='' is=''
cp "$rules" "$dir/small.ini"
for i in $(seq 1000); do
	cp "$dir/small.ini" "$rules"
	[ $((i % 2)) -eq 0 ] || printf '\n[service more]\nrun = /bin/sleep 4000000\nready = exec\nstop = KILL\n[check more-fine]\ntcp = 127.0.0.1:%s\n' "$mail" >>"$rules"
	ctl reload >/dev/null || { bad "reload $i"; break; }
	[ $((i % 200)) -eq 0 ] || continue
	was=$is is=$(sizes)
	level "$was" "$is" && break
done
level "$was" "$is" && ok "the memory of all levels off: $was KiB before 200, $is after $i" || bad "it grows: $was KiB before the last 200, $is after $i"
[ "$(pid_of a)" = "$a" ] && ok "and nobody was started again" || bad "$(ctl status)"
end

echo "# its control groups vanish, and a state that another holds"
begin
if [ -s "$dir/run/cgroup" ]; then
	base=$(cat "$dir/run/cgroup")
	kill -KILL "$(pid_of a)" "$(pid_of b)"
	for _ in $(seq 200); do rmdir "$base"/* "$base" 2>/dev/null; [ -d "$base" ] || break; done
	[ -d "$base" ] && echo "     it is always in use: not taken away"
	await 20 is a up && await 20 is b up && ok "both run all the same" || bad "$(ctl explain a)"
fi
timeout 10 "$build/monitord/monitord" -c "$rules" >"$dir/second" 2>&1
code=$?
[ "$code" -ne 0 ] && grep -q "pid $daemon" "$dir/second" && ok "$(tail -n 1 "$dir/second")" || bad "the second: $(cat "$dir/second")"
end
finish
