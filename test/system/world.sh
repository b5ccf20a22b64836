# test/system/world.sh: sourced. A small world of monitord-demo's servers under monitord, in a
# folder of its own. Every wait has a deadline; all that was started is ended by process id.
build=${MONITORD_BUILD:?}
dir=$(mktemp -d /tmp/mworld.XXXXXX) || exit 1
chmod 755 "$dir"
mkdir "$dir/run" "$dir/state"
sock=$dir/run/status.sock
rules=$dir/monitord.ini
demo=$build/monitord-demo
failures=0
daemon=
kids=
ok() { printf 'ok   %s\n' "$*"; }
bad() {
	printf 'FAIL %s\n' "$*"
	failures=$((failures + 1))
}
now() { date +%s%3N; }
ctl() { "$build/monitorctl" -s "$sock" "$@"; }

# A free block of 10 ports; the kernel hands out none below 32768.
port=$((20000 + $$ % 1200 * 10))
taken() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }
while taken "$port" || taken $((port + 1)) || taken $((port + 2)) || taken $((port + 3)); do
	port=$((port + 10))
done
front=$port primary=$((port + 1)) secondary=$((port + 2)) mail=$((port + 3)) hung=$((port + 4))

world_end() {
	trap - EXIT INT TERM
	[ "$failures" -ne 0 ] && tail -n 60 "$dir/log"
	if [ -n "$daemon" ]; then
		kill -CONT "$daemon" 2>/dev/null
		kill -TERM "$daemon" 2>/dev/null
		for _ in $(seq 100); do kill -0 "$daemon" 2>/dev/null || break; sleep 0.1; done
		kill -KILL "$daemon" 2>/dev/null
	fi
	# shellcheck disable=SC2086
	[ -n "$kids" ] && kill $kids 2>/dev/null
	[ -n "${KEEP:-}" ] || rm -rf "$dir"
}
trap world_end EXIT
trap 'exit 130' INT TERM

# world_rules [MORE]: the rule file: a front, two backends, a route, a mail sink
world_rules() {
	cat >"$rules" <<RULES
[monitord]
socket  = $sock
state   = $dir/state
helpers = $build
smtp    = 127.0.0.1:$mail
from    = monitord@test.example
alert   = ops
on-stop = stop
every   = 500ms

[contact ops]
mail = ops@test.example

[service front]
run = $demo front $front $dir/active primary=$primary secondary=$secondary

[service primary]
run   = $demo backend primary $primary
drain = site

[service secondary]
run = $demo backend secondary $secondary

[check front-http]
of   = front
http = http://127.0.0.1:$front/

[check primary-http]
of   = primary
http = http://127.0.0.1:$primary/health

[check secondary-http]
of   = secondary
http = http://127.0.0.1:$secondary/health

[route site]
switch  = $dir/active
backend = primary check primary-http
backend = secondary check secondary-http
verify  = front-http within 3s
return  = after 1s
${1:-}
RULES
}
world_daemon() {
	"$build/monitord/monitord" -c "$rules" >>"$dir/log" 2>&1 &
	daemon=$!
}
world_begin() {
	echo primary >"$dir/active"
	touch "$dir/mailbox"
	"$demo" sink "$mail" "$dir/mailbox" >/dev/null 2>&1 &
	sink=$!
	kids="$kids $sink"
	world_daemon
	await_up 20 || { bad "the world did not come up"; exit 1; }
}
await_up() { # SECONDS: every service, check and route is well
	local end=$(($(now) + $1 * 1000))
	until ctl status >/dev/null 2>&1; do
		[ "$(now)" -lt "$end" ] || { ctl status; return 1; }
		sleep 0.1
	done
}
mark() {
	last=$(ctl events --json 2>/dev/null | tail -n 1 | sed -E 's/.*"id":([0-9]+).*/\1/')
	last=${last:-0}
}
# event KIND OBJECT SECONDS: sets event (JSON) and event_ms; false: none came since mark
event() {
	local end=$(($(now) + $3 * 1000))
	while :; do
		event=$(ctl events --json --since "$last" 2>/dev/null |
			grep -F "\"kind\":\"$1\"" | grep -F "\"object\":\"$2\"" | head -n 1)
		[ -n "$event" ] && break
		[ "$(now)" -lt "$end" ] || return 1
		sleep 0.05
	done
	event_ms=$(date -d "$(sed -E 's/.*"time":"([^"]*)".*/\1/' <<<"$event")" +%s%3N)
}
wants() { # KIND OBJECT SECONDS
	if event "$1" "$2" "$3"; then
		ok "$2: $1 after $((event_ms - fault_ms)) ms"
	else
		bad "$2: no $1 within $3 s"
	fi
}
count_events() { # KIND: how many since mark
	ctl events --json --since "$last" 2>/dev/null | grep -cF "\"kind\":\"$1\""
}
pid_of() { ctl status "$1" --json 2>/dev/null | sed -nE 's/.*"pid":([0-9]+).*/\1/p' | head -n 1; }
restarts_of() { ctl status "$1" --json 2>/dev/null | sed -nE 's/.*"restarts":([0-9]+).*/\1/p' | head -n 1; }
mails() { grep -c '^Message-ID: ' "$dir/mailbox"; }
# helpers_of: pid and name of each helper of the daemon
helpers_of() { ps -o pid=,args= --ppid "$daemon" | awk '$2 ~ /^monitord-/ { print $1, $2 ($3 != "" ? "-" $3 : "") }'; }
helper_pid() { helpers_of | awk -v name="$1" '$2 == name { print $1 }'; }
finish() {
	[ "$failures" -eq 0 ] || { echo "$failures failed"; exit 1; }
	echo "all as it should be"
	exit 0
}
