#!/bin/bash
# Pressure (PSI) of a service's group and of the host, and kills for want of memory, live: what
# this kernel does not tell is skipped, and said so.
[ -n "${MONITORD_LONG:-}" ] || { echo "SKIP: pressure is a mean of 10 s: MONITORD_LONG=1"; exit 77; }
. "${MONITORD_SOURCE:?}/test/system/world.sh"
[ -r /proc/pressure/cpu ] || { echo "SKIP: this kernel tells of no pressure (/proc/pressure)"; exit 77; }
cat >"$rules" <<RULES
[monitord]
socket  = $sock
state   = $dir/state
helpers = $build
alert   = none
every   = 500ms
on-stop = stop

[service hog]
run = /bin/sh -c "for i in 1 2 3 4 5 6; do (while :; do :; done) & done; wait"
stop = KILL

[service eater]
run        = /bin/sh -c "exec tail -c 200M /dev/zero"
memory-max = 16M

[check host]
system = yes
expect = pressure-cpu > 1%, pressure-memory < 100%, pressure-io <= 100%
down   = 1
up     = 1

[rule squeezed]
when = hog.pressure-cpu > 20%
do   = log

[rule starved]
when = eater.oom-kills > 0
do   = log
RULES
"$build/monitord/monitord" -t -c "$rules" || exit 1
last=0
fault_ms=$(now)
world_daemon
await 20 answers || { bad "no daemon"; finish; }
await 40 is host up && ok "the host: $(ctl status host --json | grep -o '"pressure-[a-z]*":[0-9.]*' | tr '\n' ' ')" ||
	bad "the host: $(ctl status host --json)"
if [ -s "$dir/run/cgroup" ]; then
	root=$(cat "$dir/run/cgroup")
	if [ -r "$root/svc-hog/cpu.pressure" ]; then
		wants rule-fired squeezed 40
	else
		ok "skipped: groups have no cpu.pressure here"
	fi
	if [ -r "$root/svc-eater/memory.events" ]; then
		wants rule-fired starved 20
	else
		ok "skipped: oom-kills: no memory controller in this hierarchy of groups"
	fi
else
	ok "skipped: no group of ours can be made here: pressure of services, and oom-kills"
fi
finish
