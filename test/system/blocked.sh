#!/bin/bash
# What blocks whoever looks at it: a mount that answers nobody, with more checks on it than there
# are threads that look, and a process whose command line cannot be read as its memory is locked.
# Checks on it are unknown at their deadline; nothing else is late, no helper is lost, and processes
# are found by their command lines as before.
: "${MONITORD_SOURCE:=$(cd "$(dirname "$0")/../.." && pwd)}" "${MONITORD_BUILD:=$MONITORD_SOURCE/build}"
export MONITORD_SOURCE MONITORD_BUILD
[ -n "${MONITORD_LONG:-}" ] || { echo "skipped: takes half a minute (MONITORD_LONG)"; exit 77; }
[ "$(id -u)" -eq 0 ] || { echo "skipped: needs root"; exit 77; }
unshare -m true 2>/dev/null || { echo "skipped: nothing can be mounted here"; exit 77; }
command -v python3 >/dev/null || { echo "skipped: needs python3"; exit 77; }
if [ -z "${MONITORD_STALLED_INSIDE:-}" ]; then # what is mounted here nobody else sees
	MONITORD_STALLED_INSIDE=1 exec unshare -m --propagation private "$0"
fi
. "$MONITORD_SOURCE/test/system/world.sh"
puppet=$build/test/system/puppet
far=$dir/far
mkdir "$far" "$dir/near"
echo x >"$dir/near/file"
"$build/test/system/stall" "$far" 1 >"$dir/stall" 2>&1 &
stall=$!
kids="$kids $stall"
await 5 grep -q mounted "$dir/stall" || { echo "skipped: no /dev/fuse, or nothing may be mounted"; exit 77; }
"$demo" backend near "$primary" &
kids="$kids $!"
cat >"$rules" <<RULES
[monitord]
socket  = $sock
state   = $dir/state
helpers = $build
alert   = none
on-stop = stop
every   = 200ms
timeout = 400ms

[check far-file]
file = $far/pid

[check far-directory]
directory = $far/sub

[check far-filesystem]
filesystem = $far

[check near-file]
file = $dir/near/file

[check near-directory]
directory = $dir/near

[check near-filesystem]
filesystem = /

[check host]
system = yes

[check script]
script = /bin/sh -c "echo >>$dir/near/runs"
user   = root

[check http]
http = http://127.0.0.1:$primary/health

[service sought]
match = ^$puppet sleep 4000111$
RULES
many=100
for n in $(seq $many); do
	printf '\n[check far-%d]\n' "$n"
	# some by a link, which no list of mounts tells of
	[ $((n % 2)) -eq 0 ] && echo "file = $far/pid" || echo "directory = $dir/near/link/sub"
done >>"$rules"
ln -s "$far" "$dir/near/link"
near="near-file near-directory near-filesystem host script http"
all_are() { # STATE NAME...
	local state=$1 s
	shift
	for s; do is "$s" "$state" || return 1; done
}
many_are() { # STATE: the hundred
	[ "$(ctl status --json | grep -oE '"name":"far-[0-9]+","kind":"[a-z]+","of":null,"state":"[a-z]+"' | grep -c ":\"$1\"")" -eq $many ]
}
# How many threads the helper that looks has.
threads() {
	local pid worst=0 n
	for pid in $(pgrep -P "$daemon" monitord-probes); do
		n=$(find "/proc/$pid/task" -mindepth 1 -maxdepth 1 | wc -l)
		[ "$n" -gt "$worst" ] && worst=$n
	done
	echo "$worst"
}
# How old the oldest measurement of NAME... was in 3 s, at worst.
oldest_ms() {
	local worst=0 age end=$(($(now) + 3000))
	while [ "$(now)" -lt "$end" ]; do
		for age in $(ctl status "$@" --json | grep -oE '"age_s":[0-9.]+' | cut -d: -f2 | awk '{ printf "%d ", $1 * 1000 }'); do
			[ "$age" -gt "$worst" ] && worst=$age
		done
		sleep 0.1
	done
	echo "$worst"
}
keeps_interval() { # WHAT
	local before runs oldest began
	before=$(wc -l <"$dir/near/runs") began=$(now)
	# shellcheck disable=SC2086
	oldest=$(oldest_ms $near)
	runs=$(($(wc -l <"$dir/near/runs") - before))
	# twice the interval, and what a busy machine takes
	[ "$oldest" -le 1000 ] && ok "$1: none of the others is older than $oldest ms" || bad "$1: $oldest ms old"
	[ $((runs * 400)) -ge $(($(now) - began)) ] && ok "$1: a script ran $runs times in $(($(now) - began)) ms" ||
		bad "$1: only $runs runs in $(($(now) - began)) ms"
	# shellcheck disable=SC2086
	all_are up $near && ok "$1: the others are up" || bad "$(ctl status)"
}
sought_is() { [ "$(pid_of sought)" = "$1" ] && is sought up; }
is_found() { # WHAT: one that is begun, and again when it has died
	local one
	for _ in 1 2; do
		"$puppet" sleep 4000111 &
		one=$!
		kids="$kids $one"
		await 10 sought_is "$one" && ok "$1: it is found" || bad "$1: $(ctl explain sought)"
		kill -KILL "$one"
		wait "$one" 2>/dev/null
	done
}

echo "# all answers"
world_daemon
# shellcheck disable=SC2086
await 20 all_are up $near far-file far-directory far-filesystem && ok "all are up" || bad "$(ctl status)"
await 20 many_are up && ok "so are a hundred on the mount" || bad "$(ctl status)"
helpers=$(helpers_of)
mark
is_found "before"

echo "# a mount answers nobody"
kill -USR1 "$stall"
began=$(now)
for s in far-file far-directory far-filesystem; do
	await 5 is $s unknown && ok "$s is unknown after $(($(now) - began)) ms" || bad "$(ctl explain $s)"
done
await 5 many_are unknown && ok "so are a hundred after $(($(now) - began)) ms" || bad "$(ctl status)"
keeps_interval "a dead mount"
many_are unknown && ok "the hundred are unknown" || bad "$(ctl status)"
threads=$(threads)
[ "$threads" -gt 16 ] && [ "$threads" -le 64 ] && ok "$threads threads" || bad "$threads threads"
kill -USR2 "$stall"
await 10 many_are up || bad "$(ctl status)"
await 10 all_are up far-file far-directory far-filesystem && ok "they are up again" || bad "$(ctl status)"

echo "# the command line of a process cannot be read"
cat "$far/held" & # its page is never there
kids="$kids $!"
sleep 0.2
python3 -c "
import mmap, os, sys
mmap.mmap(os.open('$far/held', os.O_RDONLY), 4096, mmap.MAP_PRIVATE, mmap.PROT_READ)" &
locked=$!
kids="$kids $locked"
is_locked() { ! timeout 1 cat "/proc/$locked/cmdline" >/dev/null; }
if ! await 5 is_locked; then
	echo "     skipped: this kernel reads it nevertheless"
else
	is_found "a locked process"
	keeps_interval "a locked process"
	is_found "and later"
fi
kill -TERM "$stall"
wait "$stall" 2>/dev/null # or ps waits as well
[ "$(helpers_of)" = "$helpers" ] && ok "no helper was lost" || bad "helpers: $helpers, now $(helpers_of)"
[ "$(count_events daemon-late)" -eq 0 ] && ok "monitord never stood still" || bad "late"
kill -TERM "$daemon"
await 20 not_there "$daemon" && ok "it ends" || bad "it does not end"
wait "$daemon" 2>/dev/null
daemon=
finish
