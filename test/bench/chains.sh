#!/bin/bash
# What clients of the two chains see of each fault, under monitord and under the fronts' own
# checks, in one run: test/bench/chains.sh, with MONITORD_BUILD and MONITORD_SOURCE set.
# Prints a table; asserts nothing. About five minutes.
. "${MONITORD_SOURCE:?}/test/system/chain.sh"

row() { printf '| %-44s | %-14s | %6s | %9s | %s\n' "$1" "$2" "$3" "$4" "$5"; }
since() { # KIND OBJECT SECONDS: milliseconds from the fault to the event
	event "$1" "$2" "$3" && echo $((event_ms - fault_ms)) || echo none
}

# alone KIND PORT_BASE RATE FAULT...: the chain with nobody but its front to help
alone() {
	local kind=$1 base=$2 rate=$3 run
	shift 3
	run=$(mktemp -d "${TMPDIR:-/tmp}"/mch.XXXXXX) || exit 1
	chmod 755 "$run"
	(
		export CHAINS_RUN=$run CHAINS_PORT_BASE=$base
		unset CHAINS_SUPERVISED
		"$chains/$kind" up >/dev/null 2>&1 || exit 1
		"$chains/load" "$kind" "$rate" 14 >"$run.load" 2>&1 &
		sleep 1
		"$chains/fault" "$@" >/dev/null
		wait
		"$chains/fault" clear --no-restart >/dev/null 2>&1
		"$chains/$kind" down >/dev/null 2>&1
	)
	failed=$(sed -nE 's/.*\bfailed=([0-9]+).*/\1/p' "$run.load" | head -n 1)
	window=$(sed -nE 's/.*error_window_ms=([0-9]+).*/\1/p' "$run.load" | head -n 1)
	rm -rf "$run" "$run.load"
}

# under NAME SERVICE ROUTE RATE SECONDS FAULT...: the same under monitord
under() {
	local name=$1 service=$2 route=$3 rate=$4 seconds=$5 moved up back
	shift 5
	load_begin "$rate" "$seconds"
	sleep 1
	fault "$@"
	moved=$(since route-moved "$route" 20)
	[ -n "${lift:-}" ] && "$chains/fault" clear --no-restart >/dev/null 2>&1
	up=$(since service-up "$service" 40)
	back=$(since route-restored "$route" 30)
	load_end >/dev/null
	event incident-close "" 20
	"$chains/fault" clear --no-restart >/dev/null 2>&1
	row "$name" monitord "$failed" "$window" "moved $moved, up $up, back $back ms after the fault"
}

row fault who failed window "when (the fault script itself takes 50 to 200 ms)"
row --- --- --- --- ---
alone tile 25000 200 kill9 apache
row "kill -9 Apache, 200/s" "Varnish alone" "$failed" "$window" "probe 1 s, 3 of 5"
chain_begin tile "$source/examples/tile.ini" 25000 >/dev/null
under "kill -9 Apache, 200/s" apache tile 200 14 kill9 apache
under "kill -9 Apache's parent alone" apache tile 200 14 kill9 apache main
under "Apache hangs (check: 300 ms, twice)" apache tile 200 22 hang apache
chain_end
alone ad 26000 300 hang ad1
row "a farm Tomcat hangs, 300/s" "HAProxy alone" "$failed" "$window" "check 1 s, fall 3, redispatch"
chain_begin ad "$source/examples/ads.ini" 26000 >/dev/null
under "a farm Tomcat hangs (check: 250 ms, twice)" ad1 ads 300 18 hang ad1
lift=1
under "a farm Tomcat answers 500" ad2 ads 300 10 http500 ad2
lift=
under "a farm Tomcat leaks past 350M" ad3 ads 300 18 leak ad3 100 450
under "kill -9 a farm Tomcat" ad1 ads 300 8 kill9 ad1
"$chains/smtp" mode silent >/dev/null
under "the same, the mail server never answers" ad1 ads 300 8 kill9 ad1
"$chains/smtp" mode ok >/dev/null
for _ in $(seq 300); do ctl status --json | grep -q '"queued":0' && break; sleep 0.1; done
ctl status --json | grep -q '"queued":0' && echo "all mails arrived once the mail server answered again"
chain_end
exit 0
