#!/bin/bash
# Disks that are full and files that are damaged: what monitord needs to write or read is not
# there, or is not what it was. It says so, loses no service and starts none twice.
: "${MONITORD_SOURCE:=$(cd "$(dirname "$0")/../.." && pwd)}" "${MONITORD_BUILD:=$MONITORD_SOURCE/build}"
export MONITORD_SOURCE MONITORD_BUILD
[ -n "${MONITORD_LONG:-}" ] || { echo "skipped: takes a minute (MONITORD_LONG)"; exit 77; }
[ "$(id -u)" -eq 0 ] || { echo "skipped: needs root"; exit 77; }
unshare -m true 2>/dev/null || { echo "skipped: nothing can be mounted here"; exit 77; }
if [ -z "${MONITORD_DAMAGE_INSIDE:-}" ]; then # what is mounted here nobody else sees
	MONITORD_DAMAGE_INSIDE=1 exec unshare -m --propagation private "$0"
fi
. "$MONITORD_SOURCE/test/system/world.sh"
puppet=$build/test/system/puppet
mkdir "$dir/logs"
cat >"$rules" <<RULES
[monitord]
socket  = $sock
state   = $dir/state
helpers = $build
smtp    = 127.0.0.1:$mail
alert   = ops
on-stop = stop

[contact ops]
mail = ops@test.example

[service a]
run     = $puppet sole $dir/a sleep 4000000
ready   = exec
backoff = 10ms..50ms

[service b]
run     = $puppet sole $dir/b sleep 4000000
ready   = exec
backoff = 10ms..50ms
log     = $dir/logs/b 1M x 2

[service chats]
run     = /bin/sh -c "while :; do echo a line that fills a disk after a while; sleep 0.001; done"
ready   = exec
log     = $dir/logs/chats 64K x 3
backoff = 10ms..50ms

[check fine]
script = /bin/true
every  = 100ms
RULES
inside=
world_daemon() {
	# shellcheck disable=SC2086
	$inside "$build/monitord/monitord" -c "$rules" >>"$dir/log" 2>&1 &
	daemon=$!
}
all_up() { is a up && is b up && is chats up && is fine up; }
another() { [ -n "$(pid_of "$1")" ] && [ "$(pid_of "$1")" != "$2" ] && is "$1" up; } # SERVICE OLD
dies() { # SERVICE: and is back
	local old
	old=$(pid_of "$1")
	kill -KILL "$old"
	await 10 another "$1" "$old" || { bad "$1 does not come back: $(ctl explain "$1")"; return 1; }
}
never_twice() {
	[ -e "$dir/a.twice" ] || [ -e "$dir/b.twice" ] || return 0
	bad "two at once: $(cat "$dir"/*.twice)"
	rm -f "$dir"/*.twice
}
fill() { head -c 100M /dev/zero >"$1/filler" 2>/dev/null; : >"$1/last" 2>/dev/null; }
reborn() { # COMMAND ...: done while monitord is dead
	kill -KILL "$daemon"
	wait "$daemon" 2>/dev/null
	"$@"
	world_daemon
	await 20 answers || { bad "it does not begin: $(tail -n 3 "$dir/log")"; return 1; }
}
ends() {
	kill -TERM "$daemon" 2>/dev/null
	await 20 not_there "$daemon" || bad "it does not end"
	wait "$daemon" 2>/dev/null
	never_twice
}
"$demo" sink "$mail" "$dir/mailbox" >/dev/null 2>&1 &
kids="$kids $!"
touch "$dir/mailbox"

echo "# no room in the run directory"
mount -t tmpfs -o size=10m,mode=755 tmpfs "$dir/run" || bad "no tmpfs"
world_daemon
await 20 all_up || bad "it does not begin: $(ctl status)"
fill "$dir/run"
dies a && dies b && ok "a full run directory holds up no restart"
ctl stop b >/dev/null && is b stopped && ok "and no command" || bad "stop: $(ctl status b)"
a=$(pid_of a)
reborn true && await 10 is a up && [ "$(pid_of a)" = "$a" ] && ok "begun there again, it knows who lives" ||
	bad "a was $a: $(ctl status)"
await 10 is b stopped && ok "and what was ordered" || bad "$(ctl status b)"
rm -f "$dir/run/filler" "$dir/run/last"
ctl start b >/dev/null && dies a && ok "all is well when there is room" || bad "$(ctl status)"
ends
rm -rf "$dir"/run/*
fill "$dir/run"
timeout 10 "$build/monitord/monitord" -c "$rules" >"$dir/out" 2>&1
code=$?
[ "$code" -eq 1 ] && grep -q 'No space left on device' "$dir/out" && ok "it does not begin without a journal: $(tail -n 1 "$dir/out")" ||
	bad "exit $code: $(cat "$dir/out")"
umount "$dir/run"

echo "# no room for logs"
mount -t tmpfs -o size=300k,mode=755 tmpfs "$dir/logs" || bad "no tmpfs"
world_daemon
await 20 all_up || bad "it does not begin: $(ctl status)"
kept() { [ -e "$dir/logs/chats.1" ]; }
await 20 kept || bad "no log is rotated: $(ls -l "$dir/logs")"
chats=$(pid_of chats)
rm -f "$dir/logs/chats".* # room for the log, but not for another as long
left=$(($(df --output=avail -k "$dir/logs" | tail -n 1) - 64 + $(stat -c %s "$dir/logs/chats") / 1024 - 16))
head -c "${left}K" /dev/zero >"$dir/logs/filler"
dies b && ok "who logs there is started all the same"
cut() { grep -q 'cannot be kept' "$dir/log"; }
await 20 cut && ok "told: $(grep -m 1 'cannot be kept' "$dir/log" | cut -c 1-90)" || bad "$(ls -l "$dir/logs")"
[ "$(pid_of chats)" = "$chats" ] && ok "the talker goes on" || bad "$(ctl explain chats)"
rm -f "$dir/logs/filler" "$dir/logs/last"
: >"$dir/log"
rm -f "$dir/logs/chats".*
await 20 kept && ok "and its log is kept again when there is room" || bad "$(ls -l "$dir/logs")"
[ "$(stat -c %s "$dir/logs/chats")" -lt 262144 ] || bad "$(ls -l "$dir/logs")"
ends
umount "$dir/logs"

# damage FILE HOW
damage() {
	local size
	size=$(stat -c %s "$1" 2>/dev/null) || return 0
	case $2 in
	empty) : >"$1" ;;
	half) truncate -s $((size / 2)) "$1" ;;
	random) head -c "$size" /dev/urandom | dd of="$1" conv=notrunc status=none ;;
	gone) rm -f "$1" ;;
	esac
}
damage_all() { # HOW FILE ...
	local how=$1 file
	shift
	for file in "$@"; do damage "$file" "$how"; done
}
hurt() { # WHAT HOW FILE ...: who lives is known again, whatever it says
	local what=$1 how=$2 a b
	shift 2
	a=$(pid_of a) b=$(pid_of b)
	reborn damage_all "$how" "$@"
	await 20 all_up || { bad "$what, $how: $(ctl status)"; return; }
	[ "$(pid_of a)" = "$a" ] && [ "$(pid_of b)" = "$b" ] || bad "$what, $how: a was $a, b $b: $(ctl status)"
	never_twice
	dies a && dies b
	never_twice
}
damaged_files() {
	world_daemon
	await 20 all_up || bad "it does not begin: $(ctl status)"
	for how in empty half random gone; do
		hurt records $how "$dir"/run/records/a "$dir"/run/records/b "$dir"/run/records/chats
		hurt journal $how "$dir/run/journal"
		hurt "the state" $how "$dir"/state/keep "$dir"/state/*/*.db "$dir"/state/*/*.db-wal "$dir"/state/*/*-shm
		hurt "the note of groups" $how "$dir/run/cgroup"
		ok "records, journal, databases, what is kept: $how"
	done
	mails() { grep -c '^Message-ID: ' "$dir/mailbox"; }
	mails=$(mails)
	ctl test ops >/dev/null && more_mails() { [ "$(mails)" -gt "$mails" ]; } && await 10 more_mails &&
		ok "mail goes out" || bad "no mail"
	ends
}
echo "# files that are damaged while it is dead"
damaged_files
echo "# the same where no control group can be written"
rm -rf "$dir/run" "$dir/state"
mkdir "$dir/run" "$dir/state"
inside="unshare -m $MONITORD_SOURCE/test/system/no-cgroup.sh"
damaged_files
finish
