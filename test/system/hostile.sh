#!/bin/bash
# Helpers that were taken over say all that their channels carry, 20,000 times a second: monitord
# goes on, no service runs twice, no stranger is signalled, nothing is done as by a command, and
# what dies comes back.
. "${MONITORD_SOURCE:?}/test/system/world.sh"
[ "$(id -u)" -eq 0 ] || { echo "SKIP: helpers of other users need root"; exit 77; }
mkdir "$dir/bin"
/bin/sleep 6137 & # root's, as much alike what is watched as can be
decoy=$!
setpriv --reuid=nobody --regid=nogroup --clear-groups /bin/sleep 6138 &
victim=$!
/bin/sleep 6140 & # no section knows it
bystander=$!
kids="$kids $decoy $victim $bystander"
write_rules() {
	cat >"$rules" <<RULES
[monitord]
socket  = $sock
state   = $dir/state
helpers = $dir/bin
alert   = ops
on-stop = stop
every   = 100ms
[contact ops]
page = http://127.0.0.1:9/
[service twin]
instances = 1..2
run       = /bin/sleep 613%i
backoff   = 10ms..100ms
[service seen]
match = ^/bin/sleep 613
user  = nobody
[service named]
match = ^/bin/sleep 6139$
[check twin-port]
of  = twin
tcp = 127.0.0.1:$primary
[check script]
script = /bin/true
[check slow]
script  = /bin/sleep 6141
timeout = 60s
every   = 60s
[check file]
file = $rules
[rule fat]
when     = twin.memory > 1K
do       = restart twin
cooldown = 1s
[rule seen-fat]
when     = seen.memory > 1K or seen.threads > 3
do       = kill seen
cooldown = 1s
[rule named-fat]
when     = named.memory > 1K or named.threads > 3
do       = kill named
cooldown = 1s
[route site]
switch  = $dir/active
backend = one check twin-port-1
backend = two check twin-port-2
RULES
}
# play WHO...: these helpers are hostile, the others as they should be
play() {
	local name who
	for name in monitord-probes monitord-routes monitord-alerts monitord-status; do
		ln -sfn "$build/$name" "$dir/bin/$name"
	done
	for who in "$@"; do ln -sfn "$build/test/system/hostile" "$dir/bin/$who"; done
	echo one >"$dir/active"
	write_rules
	world_daemon
	local own=$daemon end=$(($(now) + 6000)) killed=0 came=0 most=0 slow=0 pid
	while [ "$(now)" -lt "$end" ]; do
		for i in 1 2; do
			pid=$(pgrep -x -f "/bin/sleep 613$i" -u 0 | wc -l)
			[ "$pid" -le "$most" ] || most=$pid
		done
		pid=$(pgrep -x -f "/bin/sleep 6141" | wc -l)
		[ "$pid" -le "$slow" ] || slow=$pid
		if [ $((killed % 10)) -eq 5 ]; then
			pid=$(pgrep -x -f "/bin/sleep 6131" -u 0 | head -n 1)
			[ -n "$pid" ] && kill -KILL "$pid" && for _ in $(seq 50); do
				sleep 0.1
				[ -n "$(pgrep -x -f "/bin/sleep 6131" -u 0)" ] && came=$((came + 1)) && break
			done
		fi
		killed=$((killed + 1))
		sleep 0.05
	done
	kill -0 "$own" 2>/dev/null && ok "monitord lives" || bad "monitord is gone"
	[ "$most" -eq 1 ] && ok "never more than one of each" || bad "$most of one at once"
	[ "$came" -gt 0 ] && ok "what died came back, $came times" || bad "nothing came back"
	kill -0 "$decoy" 2>/dev/null && ok "the stranger lives" || bad "a stranger was killed"
	kill -0 "$bystander" 2>/dev/null && ok "whom no command line fits lives" ||
		bad "whom no command line fits was killed"
	[ "$slow" -le 10 ] && ok "scripts are bounded: $slow" || bad "$slow scripts of one check"
	[ "$(find "/proc/$own/fd" | wc -l)" -lt 200 ] && ok "descriptors are bounded" ||
		bad "$(find "/proc/$own/fd" | wc -l) descriptors"
	grep -qvxE 'one|two' "$dir/active" && bad "the switch: $(cat "$dir/active")" ||
		ok "the switch holds names of the rules"
	grep -qx forged "$dir/log" && bad "a line of the log is a helper's" || ok "the log is monitord's"
	grep -aqP '\tdaemon-started\t|\tservice-' "$dir/run/journal" || bad "no journal to look at"
	grep -aqP '\tcommand\t' "$dir/run/journal" && bad "a command that nobody gave" ||
		ok "no command"
	kill -TERM "$own"
	for _ in $(seq 300); do kill -0 "$own" 2>/dev/null || break; sleep 0.1; done
	kill -0 "$own" 2>/dev/null && bad "it does not end" || ok "it ends"
	wait "$own" 2>/dev/null
	daemon=
	rm -rf "$dir/run" "$dir/state"
	mkdir "$dir/run" "$dir/state"
}
echo "# probes, routes and alerts were taken over"
play monitord-probes monitord-routes monitord-alerts
echo "# status was taken over"
play monitord-status
finish
