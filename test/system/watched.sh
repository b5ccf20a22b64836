#!/bin/bash
# What is watched, not run: it is never started beside itself, though monitord died meanwhile;
# a pid file speaks only for processes of its owner, and never for monitord.
. "${MONITORD_SOURCE:?}/test/system/world.sh"
number=60.$$
cat >"$rules" <<RULES
[monitord]
socket  = $sock
state   = $dir/state
helpers = $build
every   = 200ms
starts-at-once = 150

[service by-file]
pidfile = $dir/file.pid
start   = /bin/sh -c "setsid sleep ${number}1 >/dev/null 2>&1 & echo \$! >$dir/file.pid"

[service by-match]
match = ^sleep ${number}2
start = /bin/sh -c "setsid sleep ${number}2 >/dev/null 2>&1 &"

[service by-exec]
match = ^sleep ${number}4
every = 1h

[service titled]
match = ^${number}5 has a title
every = 200ms

[service fails]
pidfile = $dir/none.pid
start   = /bin/false

[service monitord-itself]
pidfile = $dir/self.pid

[service theirs]
pidfile = $dir/theirs.pid

[service crowd]
instances = 1..150
pidfile   = $dir/crowd.pid
start     = /bin/false
RULES
running() { grep -lzxs "60[.]$$$1" /proc/[0-9]*/cmdline | wc -l; } # grep does not find itself
runs() { # SERVICE SECONDS: it has a process
	for _ in $(seq $(($2 * 20))); do [ -n "$(pid_of "$1")" ] && return 0; sleep 0.05; done
	bad "$1 does not run: $(ctl explain "$1")"
	return 1
}
end_all() { # monitord first, or it starts them again; then the sleeps, by their number
	local f
	world_end
	for f in $(grep -lzxs "60[.]$$[124]" /proc/[0-9]*/cmdline); do
		f=${f#/proc/}
		kill "${f%/cmdline}" 2>/dev/null
	done
}
trap end_all EXIT
sleep 30 & # of somebody else than the pid file's owner
kids="$kids $!"
echo $! >"$dir/theirs.pid"
[ "$(id -u)" -eq 0 ] && chown 65534 "$dir/theirs.pid"

sleep 300 & # stands for a hundred and fifty
kids="$kids $!"
echo $! >"$dir/crowd.pid"

echo "# begun by their start commands"
world_daemon
crowd() { [ "$(ctl status crowd --json | grep -o '"state":"up"' | wc -l)" -eq 150 ]; }
await 10 crowd && ok "all who are found at once are up" || bad "$(ctl status crowd | awk '{ print $3 }' | sort | uniq -c)"
why() { ctl explain theirs | grep -q 'pidfile-refused.* is not believed: the process is not its owner'; }
[ "$(id -u)" -ne 0 ] || { await 10 why && ok "who asks of a service hears why its pid file is refused" || bad "$(ctl explain theirs)"; }
echo "$daemon" >"$dir/self.pid"
runs by-file 10 && runs by-match 10 && ok "both run"
pids="$(pid_of by-file) $(pid_of by-match)"

echo "# monitord dies and begins again, four times"
for _ in 1 2 3 4; do
	kill -KILL "$daemon"
	wait "$daemon" 2>/dev/null
	world_daemon
	echo "$daemon" >"$dir/self.pid"
	runs by-file 10 && runs by-match 10
done
sleep 1 # a start command that ran all the same would show by now
[ "$pids" = "$(pid_of by-file) $(pid_of by-match)" ] && ok "the same processes" || bad "they were $pids"
[ "$(running 1)" -eq 1 ] && [ "$(running 2)" -eq 1 ] && ok "one of each" ||
	bad "$(running 1) by file, $(running 2) by match"

echo "# one is killed, one is restarted"
kill -KILL "$(pid_of by-match)"
for _ in $(seq 100); do [ "$(running 2)" -eq 1 ] && break; sleep 0.05; done
ctl restart by-file >/dev/null || bad "restart by-file"
runs by-file 10 && runs by-match 10
[ "$(running 1)" -eq 1 ] && [ "$(running 2)" -eq 1 ] && ok "one of each" ||
	bad "$(running 1) by file, $(running 2) by match"

echo "# who begins is found at once, and nobody else is looked at"
if [ "$(id -u)" -ne 0 ] || grep -q 'tells of no faults' "$dir/log"; then
	echo "     skipped: the kernel tells of no execs here"
else
	local=$(helper_pid monitord-probes-local)
	kill -STOP "$local" # it looks at all processes, once an hour
	sleep ${number}4 &
	kids="$kids $!"
	began=$(now)
	await 3 is by-exec up && [ "$(pid_of by-exec)" = $! ] && ok "found after $(($(now) - began)) ms" ||
		bad "it is not found: $(ctl status by-exec)"
	kill -CONT "$local"
fi
if unshare --fork --pid --mount-proc true 2>/dev/null; then # the kernel does not refuse these: it ignores them
	printf '[monitord]\nsocket = %s\nstate = %s\nhelpers = %s\n[service none]\nmatch = ^sleep %s\n' \
		"$dir/inside/status.sock" "$dir/inside-state" "$build" "${number}0" >"$dir/inside.ini"
	unshare --fork --pid --mount-proc --kill-child "$build/monitord/monitord" -c "$dir/inside.ini" >"$dir/inside.log" 2>&1 &
	kids="$kids $!"
	await 10 grep -q daemon-started "$dir/inside.log" || bad "none in a container: $(tail -n 3 "$dir/inside.log")"
	grep -q 'tells of no faults' "$dir/inside.log" && ok "in a container nobody is told of strangers" ||
		bad "it believes to be told of execs: $(tail -n 3 "$dir/inside.log")"
	kill -KILL $!
	wait $! 2>/dev/null
fi
# it began as another program, and changed its words: the look at all finds it
python3 - "${number}5 has a title" <<'EOS' 2>/dev/null &
import ctypes, sys, time
libc = ctypes.CDLL(None)
title = sys.argv[1].encode() + b"\0"
with open("/proc/self/stat") as f:
    words = f.read().rsplit(")", 1)[1].split()
start, end = int(words[45]), int(words[46])  # arg_start, arg_end
time.sleep(0.5)
ctypes.memmove(start, title.ljust(end - start, b"\0")[: end - start], end - start)
time.sleep(600)
EOS
kids="$kids $!"
if [ "$(id -u)" -eq 0 ] && command -v python3 >/dev/null; then
	await 10 is titled up && ok "one that changed its title is found" || bad "it is not: $(ctl status titled)"
fi

echo "# a reload that finds them in another way"
first=$(pid_of by-file)
cp "$dir/file.pid" "$dir/moved.pid"
reload_with() { # SED-COMMAND
	sed -i "$1" "$rules"
	ctl reload >/dev/null || bad "reload: $1"
}
left() { ctl events --json | grep -c '"kind":"service-left"'; }
reload_with 's/^pidfile = .*file[.]pid$/pidfile = '"${dir//\//\\/}"'\/moved.pid/; s/^match = ^sleep '"${number}2"'/match = sleep '"${number}2"'$/'
sleep 1.5 # twice the pid file was read, and all processes were looked at
[ "$(pid_of by-file)" = "$first" ] && [ "$(pid_of by-match)" = "$(pgrep -xf "sleep ${number}2")" ] && [ "$(left)" -eq 0 ] &&
	is by-file up && is by-match up && ok "both ways name the same process" || bad "$(ctl status)"
sleep "${number}6" &
other=$!
kids="$kids $other"
echo "$other" >"$dir/other.pid"
reload_with 's/moved[.]pid$/other.pid/'
it_is() { [ "$(pid_of "$1")" = "$2" ]; }
await 10 it_is by-file "$other" && kill -0 "$first" && ok "another is, and the first goes on by itself" || bad "$(ctl status by-file)"
reload_with 's/^match = sleep.*/match = ^sleep '"${number}7"'/; s/^pidfile = .*other[.]pid$/match = ^sleep '"${number}6"'/'
await 10 it_is by-file "$other" && [ "$(left)" -le 1 ] && ok "by its command line now" || bad "$(ctl status by-file)"
gone() { [ "$(left)" -eq 1 ] && ctl events | grep -q 'service-left.*by-match'; }
await 10 gone && [ "$(running 2)" -ge 1 ] && ok "who is not named is no more it" || bad "$(ctl explain by-match)"

echo "# what was run is watched now: it stays the service until it ends"
printf '\n[service turned]\nrun = /bin/sleep %s\n' "${number}8" >>"$rules"
ctl reload >/dev/null || bad "reload: turned"
runs turned 10
was=$(pid_of turned)
sleep "${number}9" &
kids="$kids $!"
echo "$!" >"$dir/turned.pid"
reload_with 's/^run = .bin.sleep.*/pidfile = '"${dir//\//\\/}"'\/turned.pid/'
sleep 1.5
it_is turned "$was" && ok "it goes on" || bad "$(ctl status turned)"
kill "$was"
await 10 it_is turned "$(cat "$dir/turned.pid")" && ok "then the file names the next" || bad "$(ctl status turned)"

echo "# a start command that fails"
out=$(timeout 10 "$build/monitorctl" -s "$sock" restart fails 2>&1)
[ $? -eq 3 ] && ok "$out" || bad "it said: $out"

echo "# whom a pid file may not name"
[ -z "$(pid_of monitord-itself)" ] && ok "not monitord" || bad "monitord watches itself"
if [ "$(id -u)" -eq 0 ]; then
	[ -z "$(pid_of theirs)" ] && ok "not root's process in another's file" || bad "$(ctl status theirs)"
fi
finish
