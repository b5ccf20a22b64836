#!/bin/bash
# Much at once: a thousand deaths, a fork bomb, a core of 512 MB, numbers of processes that come
# back within seconds. None is missed, no check is late, no stranger gets a signal.
. "${MONITORD_SOURCE:?}/test/system/world.sh"
puppet=$build/test/system/puppet
[ -n "${MONITORD_LONG:-}" ] || { echo "skipped: takes a minute (MONITORD_LONG)"; exit 77; }
[ "$(id -u)" -eq 0 ] || { echo "skipped: needs root"; exit 77; }
unshare -m true 2>/dev/null || { echo "skipped: nothing can be mounted here"; exit 77; }
head_of() { printf '[monitord]\nsocket = %s\nstate = %s/state\nhelpers = %s\non-stop = stop\n' "$sock" "$dir" "$build"; }
end() {
	kill -TERM "$daemon"
	await 60 not_there "$daemon" || bad "it does not end"
	wait "$daemon" 2>/dev/null
	rm -rf "$dir/state" "$dir/run"
	mkdir "$dir/state" "$dir/run"
	: >"$dir/log"
}
lines() { grep -c "^monitord: $1 " "$dir/log"; }
"$demo" sink "$mail" "$dir/mailbox" >/dev/null 2>&1 &
kids="$kids $!"

echo "# a thousand deaths in one burst"
{
	head_of
	printf 'starts-at-once = 1000\n[service s]\ninstances = 1..1000\nrun = /bin/sleep 4000\nready = exec\n'
	printf '[check steady]\ntcp = 127.0.0.1:%s\nevery = 100ms\n' "$mail"
} >"$rules"
world_daemon
thousand() { [ "$(lines service-up)" -ge "$1" ]; }
await 60 thousand 1000 && await 10 is steady up || bad "not up: $(lines service-up)"
pids=$(ctl status --json | grep -oE '"pid":[0-9]+' | cut -d : -f 2 | sort -u | grep -vx "$daemon")
[ "$(wc -w <<<"$pids")" -eq 1000 ] || bad "$(wc -w <<<"$pids") pids"
fault_ms=$(now)
# shellcheck disable=SC2086
kill -KILL $pids
await 60 thousand 2000 && ok "all back within $(($(now) - fault_ms)) ms" || bad "$(lines service-up) were up"
[ "$(lines service-exited)" -eq 1000 ] && ok "1000 deaths told, once each" || bad "$(lines service-exited) deaths told"
[ "$(grep -c '^monitord: check-\(down\|unknown\) ' "$dir/log")" -eq 0 ] && ok "the check was well all the time" ||
	bad "$(grep '^monitord: check-' "$dir/log")"
grep '^monitord: daemon-late' "$dir/log" # a thousand clones on a busy machine: what was in flight is asked again
end

echo "# a fork bomb"
{
	head_of
	printf '[service bomb]\nrun = %s bomb\nuser = games\nlimits = nproc 150\nready = exec\nstop = TERM 100ms, KILL\n' "$puppet"
	printf '[service calm]\nrun = /bin/sleep 4000\nready = exec\n'
	printf '[check steady]\ntcp = 127.0.0.1:%s\nevery = 100ms\ntimeout = 1s\n' "$mail"
} >"$rules"
cp "$puppet" "$dir/puppet" # where another user may run it
sed -i "s|run = $puppet|run = $dir/puppet|" "$rules"
world_daemon
bombs() { grep -lzxs "$dir/puppe[t]" /proc/[0-9]*/cmdline | wc -l; }
many() { [ "$(bombs)" -gt 100 ]; }
await 20 is bomb up && await 20 many || bad "no bomb: $(bombs)"
sleep 2
fault_ms=$(now)
timeout 30 "$build/monitorctl" -s "$sock" stop bomb >/dev/null && ok "stopped within $(($(now) - fault_ms)) ms" || bad "stop: $(ctl explain bomb)"
[ "$(bombs)" -eq 0 ] && ok "none of it is left" || bad "$(bombs) are left"
is calm up && [ "$(lines service-exited)" -eq 1 ] && ok "nobody else was touched" || bad "$(ctl status)"
grep -q '^monitord: check-down' "$dir/log" && bad "the check went down" || ok "the check was well"
end

echo "# a core of 512 MB"
{
	head_of
	printf '[service big]\nrun = %s fill 512 wait\ndir = %s\nlimits = core unlimited\nready = exec\n' "$puppet" "$dir"
	printf '[check big-fine]\nof = big\nscript = /bin/true\nevery = 200ms\n'
	printf '[route heavy]\nswitch = %s/heavy\nbackend = big check big-fine\nbackend = other\nreturn = after 100ms\n' "$dir"
} >"$rules"
echo big >"$dir/heavy"
world_daemon
await 30 is big up || bad "$(ctl status big)"
full() { [ "$(awk '$1 == "VmRSS:" { print $2 }' "/proc/$(pid_of big)/status")" -gt 524288 ]; }
if grep -q 'tells of no faults' "$dir/log" || [ "$(df --output=avail -m "$dir" | tail -n 1)" -lt 800 ]; then
	echo "     skipped: no process connector, or no room for a core"
else
	best=99999
	for turn in 1 2 3; do
		await 30 is big up && await 30 full && await 20 grep -qx big "$dir/heavy" || bad "not ready for turn $turn"
		sleep 1
		old=$(pid_of big)
		mark
		fault_ms=$(now)
		kill -SEGV "$old"
		event route-ordered heavy 20 || bad "the traffic did not move"
		moved_ms=$((event_ms - fault_ms))
		event service-exited big 30 && echo "     traffic moved after $moved_ms ms, the end came after $((event_ms - fault_ms)) ms"
		[ "$moved_ms" -lt "$best" ] && best=$moved_ms
		rm -f "$dir"/core*
	done
	# the sender's own start, and a machine with other work, are in it
	[ "$best" -lt 50 ] && ok "$best ms at best" || bad "$best ms at best"
fi
end

echo "# the first process of a container: it inherits 20,000 dead"
cat >"$rules" <<RULES
$(head_of)
[service parent]
run     = $puppet orphans 20000 print done sleep 4000000
ready   = exec
log     = $dir/parent.log
[service quick]
run     = $puppet sleep 100 exit 7
ready   = exec
backoff = 10ms..20ms
RULES
cat >"$dir/first" <<FIRST
#!/bin/bash
mount -t proc proc /proc
exec $build/monitord/monitord -c $rules >>$dir/log 2>&1
FIRST
chmod 755 "$dir/first"
unshare --fork --pid --mount --propagation private --kill-child "$dir/first" &
outer=$!
kids="$kids $outer"
await 120 grep -qs done "$dir/parent.log" || bad "not all were left: $(tail -n 3 "$dir/log")"
inner=$(pgrep -P "$outer" | head -n 1)
dead() { grep -lE '^State:.Z' $(sed 's|[0-9]*|/proc/&/status|g' "/proc/$inner/task/$inner/children") 2>/dev/null | wc -l; }
few() { [ "$(dead)" -lt 20 ]; }
await 20 few && ok "they are reaped" || bad "$(dead) dead children are left"
n=$(lines service-exited)
more() { [ "$(lines service-exited)" -gt $((n + 3)) ]; }
strange=$(grep 'quick exited: ' "$dir/log" | grep -v 'exit code 7' | head -n 3)
await 10 more && [ -z "$strange" ] && ok "and its own are known by their exit codes" ||
	bad "$(lines service-exited) ends, $n before: $strange"
kill -TERM "$inner"
await 30 not_there "$inner" || bad "it does not end"
wait "$outer" 2>/dev/null
rm -rf "$dir/state" "$dir/run"
mkdir "$dir/state" "$dir/run"
: >"$dir/log"

# Whom each signal went to: a process that monitord made and holds since, or a descendant of such a
# one; never one of the strangers, whoever had its number before.
audit() {
	python3 - "$1" <<'EOS'
import re, sys
born, fds, pending, monitord = {}, {}, {}, None  # pid: whose it is; descriptor: (pid, whose)
became = {}  # pid: the line in which it began its program; that may come before its parent's clone ends
signals, bad = 0, []
line_re = re.compile(r"^(\d+) +(?:<\.\.\. )?(\w+)(.*)$")
for at, line in enumerate(open(sys.argv[1], errors="replace")):
    m = line_re.match(line)
    if m is None:
        continue
    pid, call, rest = int(m[1]), m[2], m[3]
    if rest.endswith("<unfinished ...>"):
        pending[pid, call] = at, rest
        continue
    began, first = pending.pop((pid, call), (at, ""))
    rest = first + rest
    monitord = pid if monitord is None else monitord
    result = re.search(r"= (-?\d+)", rest[rest.rfind(")"):] if ")" in rest else rest)
    result = int(result[1]) if result else -1
    if call == "execve" and result == 0:  # only who monitord made begins a program
        born[pid], became[pid] = "stranger" if '"strangers"' in rest else f"own {pid}", at
    if call in ("clone", "fork", "vfork", "clone3") and result > 0:
        if became.get(result, -1) < began:
            born[result] = f"own {result}" if pid == monitord else born.get(pid, "unknown")
        made = re.search(r"pidfd=\[(\d+)\]", rest)
        if pid == monitord and made:
            fds[int(made[1])] = (result, None)  # held from its birth: it is nobody else
    if pid != monitord:
        continue
    if call == "pidfd_open" and result >= 0:
        asked = int(re.match(r"\((\d+)", rest)[1])
        fds[result] = (asked, born.get(asked, "unknown"))
    if call == "pidfd_send_signal" and result == 0:
        signals += 1
        to, whose = fds.get(int(re.match(r"\((\d+)", rest)[1]), (0, "unknown"))
        if whose is not None and not whose.startswith("own"):
            bad.append(f"{line.strip()}: process {to} is {whose}")
    if call in ("kill", "tkill", "tgkill") and result == 0 and ", 0)" not in rest:
        signals += 1
        to = abs(int(re.match(r"\((-?\d+)", rest)[1]))
        if not born.get(to, "unknown").startswith("own"):
            bad.append(f"{line.strip()}: process {to} is {born.get(to, 'unknown')}")
print("\n".join(bad) if bad else f"{signals} signals audited, each to a process of ours")
sys.exit(1 if bad or signals < 20 else 0)
EOS
}
echo "# numbers of processes come back: 1000 restarts among few"
cat >"$rules" <<RULES
$(head_of)
[service s]
instances = 1..4
run       = $puppet leave 40 sleep 10 exit 1
ready     = exec
backoff   = 1ms..50ms
[service held]
instances = 1..2
run       = $puppet leave 4000 sleep 4000000
ready     = exec
[service strangers]
run   = $puppet strangers $dir/killed
ready = exec
RULES
numbers=330 watch= # each signal that monitord sends, and who is born of whom, in one order
command -v strace >/dev/null && watch="strace -D -qq --seccomp-bpf -f -e trace=kill,tkill,tgkill,pidfd_send_signal,pidfd_open,clone,fork,vfork,clone3,execve -e signal=none -s 60 -o $dir/signals" numbers=530 # the tracer lets go of the dead later
cat >"$dir/inside" <<INSIDE
#!/bin/bash
mount -t proc proc /proc
echo $numbers >/proc/sys/kernel/pid_max 2>/dev/null || exit 77
$watch $build/monitord/monitord -c $rules >>$dir/log 2>&1 &
daemon=\$!
while [ \$(grep -c '^monitord: service-started ' $dir/log) -lt 1000 ] && kill -0 \$daemon; do
	$build/monitorctl -s $sock restart held >/dev/null 2>&1
	sleep 0.1
done
kill -TERM \$daemon
wait \$daemon
for _ in 1 2 3 4 5 6 7 8 9 10; do pgrep -x strace >/dev/null || break; sleep 0.2; done
INSIDE
chmod 755 "$dir/inside"
pid_max=$(cat /proc/sys/kernel/pid_max)
timeout 200 unshare --fork --pid --mount --propagation private --kill-child "$dir/inside" >"$dir/inside.out" 2>&1
code=$?
if [ "$code" -eq 77 ] || [ "$(cat /proc/sys/kernel/pid_max)" != "$pid_max" ]; then
	echo "$pid_max" >/proc/sys/kernel/pid_max
	echo "     skipped: a namespace has no pid_max of its own here"
else
	[ "$(lines service-started)" -ge 1000 ] && ok "$(lines service-started) starts among $numbers numbers" || bad "exit $code: $(tail -n 3 "$dir/inside.out")"
	if [ -n "$watch" ]; then
		audit "$dir/signals" >"$dir/audit" && ok "$(tail -n 1 "$dir/audit")" || bad "$(tail -n 5 "$dir/audit")"
	fi
	[ -e "$dir/killed" ] && bad "strangers were killed: $(head -n 3 "$dir/killed")" || ok "no signal reached a stranger"
fi
daemon=
finish
