# test/system/wait.sh: sourced. What the tests of built programs share: verdicts, and waiting for
# events of the daemon on $sock, each with a deadline.
failures=0
ok() { printf 'ok   %s\n' "$*"; }
bad() {
	printf 'FAIL %s\n' "$*"
	failures=$((failures + 1))
}
now() { date +%s%3N; }
ctl() { "$build/monitorctl" -s "$sock" "$@"; }

await() { # SECONDS COMMAND...: until it is true
	local end=$(($(now) + $1 * 1000))
	shift
	until "$@" >/dev/null 2>&1; do
		[ "$(now)" -lt "$end" ] || return 1
		sleep 0.02
	done
}
answers() { # somebody is there; whether all is well is another question
	ctl status >/dev/null 2>&1
	[ $? -ne 1 ]
}
is() { ctl status "$1" --json | grep -q "\"state\":\"$2\""; } # OBJECT STATE
not_there() { ! grep -qs '^State:.[^Z]' "/proc/$1/status"; } # PID
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
# event KIND OBJECT SECONDS ("" is any object): sets event (JSON) and event_ms; false: none came since mark
event() {
	local end=$(($(now) + $3 * 1000))
	while :; do
		event=$(ctl events --json --since "$last" 2>/dev/null |
			grep -F "\"kind\":\"$1\"" | grep -F "${2:+\"object\":\"$2\"}" | head -n 1)
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
finish() {
	[ "$failures" -eq 0 ] || { echo "$failures failed"; exit 1; }
	echo "all as it should be"
	exit 0
}
