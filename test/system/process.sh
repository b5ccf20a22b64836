#!/bin/bash
# A fault moves traffic before its core is written; scripts die with monitord; a run action goes
# on and is never started twice; who says when it is ready is up then and not before.
. "${MONITORD_SOURCE:?}/test/system/world.sh"
puppet=$build/test/system/puppet
world_rules "
[service big]
run    = $puppet fill 200 wait
dir    = $dir
limits = core unlimited
log    = $dir/big.log

[check big-fine]
of     = big
script = /bin/true

[route heavy]
switch  = $dir/heavy
backend = big check big-fine
backend = other
return  = after 100ms

[service herald]
run   = $puppet sleep 300 say READY=1 wait
ready = notify within 10s

[service newline]
run   = $puppet sleep 300 ready 3 wait
ready = fd 3 within 10s

[service mute]
run     = $puppet wait
ready   = notify within 300ms
restart = never

[check slow]
script  = /bin/sh -c \"sleep 61.$$ & exec sleep 62.$$\"
timeout = 50s

[check never]
script = /bin/sh -c \"exit 2\"
down   = 1

[rule once]
when     = never.down
do       = run /bin/sh -c \"echo begun >>$dir/once; exec sleep 63.$$\"
user     = $(id -un)
cooldown = 1s
timeout  = 50s"
echo big >"$dir/heavy"
touch "$dir/once"
running() { grep -lzxs "${1/./[.]}" /proc/[0-9]*/cmdline | wc -l; }
runs() { [ "$(running "$1")" -eq "$2" ]; }
touch "$dir/mailbox"
world_daemon

echo "# readiness"
for s in herald newline big; do
	await 20 is $s up && ok "$s is up" || bad "$s: $(ctl status $s)"
done
last=0
event start-failed mute 10 && grep -q 'not ready within' <<<"$event" && ok "mute was never ready" ||
	bad "mute: $(ctl status mute)"
for s in herald newline; do
	started=$(ctl events --json | grep -F '"kind":"service-started"' | grep -nF "\"object\":\"$s\"" | head -n 1)
	[ -n "$started" ] && ok "$s ran first" || bad "$s was never started"
done

echo "# a core dump"
if grep -q 'tells of no faults' "$dir/log"; then
	ok "skipped: the kernel tells of no faults here"
else
	await 20 is heavy primary && ok "it carries the traffic" || bad "$(ctl status heavy)"
	mark
	big=$(pid_of big)
	fault_ms=$(now)
	kill -SEGV "$big"
	wants service-dying big 10
	id_of() { sed -E 's/.*"id":([0-9]+).*/\1/' <<<"$event"; }
	wants service-exited big 30
	died=$event_ms died_id=$(id_of)
	wants route-ordered heavy 10 # by order: where all is late, both may be told within a ms
	[ "$(id_of)" -lt "$died_id" ] && ok "traffic left $((died - event_ms)) ms before the end" ||
		bad "ordered at $event_ms, dead at $died"
	grep -q 'core dumped' <<<"$event" || ctl events --json --since "$last" | grep -F service-exited |
		grep -q 'core dumped' && ok "the core is told" || bad "no word of a core"
	rm -f "$dir"/core*
fi

echo "# jobs and our death"
await 20 runs "62.$$" 1 && runs "61.$$" 1 && ok "the script runs" || bad "no script"
await 20 grep -q begun "$dir/once" && ok "the action runs" || bad "no action"
kill -KILL "$daemon"
wait "$daemon" 2>/dev/null
await 5 runs "62.$$" 0 && ok "the script died with us" || bad "the script lives"
runs "63.$$" 1 && ok "the action goes on" || bad "the action: $(running "63.$$")"
world_daemon
await 20 ctl status front || bad "not back"
if [ -s "$dir/run/cgroup" ]; then
	await 5 runs "61.$$" 1 && ok "what it left is gone; the one that runs is new" ||
		bad "left behind: $(running "61.$$")"
fi
await 20 grep -q 'has not ended' "$dir/log" && ok "the rule fires again" ||
	bad "the rule does not fire"
[ "$(wc -l <"$dir/once")" -eq 1 ] && ok "it was begun once" || bad "begun $(wc -l <"$dir/once") times"
for p in $(grep -lzxs "63[.]$$" /proc/[0-9]*/cmdline | cut -d / -f 3); do kill "$p"; done
finish
