#!/bin/bash
# What clients of the two chains see of each fault, under monitord and under the fronts' own
# checks alone, in one session: test/bench/chains.sh [PART...], with MONITORD_BUILD and
# MONITORD_SOURCE set; RUNS (3) times each. Prints rows of a table; asserts nothing.
# ONLY=REGEX: these faults under monitord only. Parts: alone-tile alone-ad (30 minutes with the fronts' slow defaults), tile ad cut (12), flap (6).
. "${MONITORD_SOURCE:?}/test/system/chain.sh"
runs=${RUNS:-3}
parts=${*:-alone-tile alone-ad tile ad cut flap}

row() { printf '%-44s %-26s %-18s %-20s %s\n' "$1" "$2" "$3" "$4" "$5"; }
since() { # KIND OBJECT SECONDS: milliseconds from the fault to the event
	event "$1" "$2" "$3" && echo $((event_ms - fault_ms)) || echo none
}
take() { # FILE: adds failed and window of a load to theirs
	all_failed="$all_failed $(sed -nE 's/.*\bfailed=([0-9]+).*/\1/p' "$1" | head -n 1)"
	all_windows="$all_windows $(sed -nE 's/.*error_window_ms=([0-9]+).*/\1/p' "$1" | head -n 1)"
}
begin_row() { all_failed='' all_windows='' all_notes=''; }

# alone KIND BASE RATE SECONDS NAME WHO FAULT...: the chain with nobody but its front to help
alone() {
	local kind=$1 base=$2 rate=$3 seconds=$4 name=$5 who=$6 run
	shift 6
	begin_row
	run=$(mktemp -d "${TMPDIR:-/tmp}"/mch.XXXXXX) || exit 1
	chmod 755 "$run"
	for _ in $(seq "$runs"); do
		(
			export CHAINS_RUN=$run CHAINS_PORT_BASE=$base
			unset CHAINS_SUPERVISED
			"$chains/$kind" up >/dev/null 2>&1 || exit 1
			"$chains/load" "$kind" "$rate" 5 >/dev/null 2>&1 # what is cold is slow
			sleep 1
			"$chains/load" "$kind" "$rate" "$seconds" >"$run.load" 2>&1 &
			sleep 1
			"$chains/fault" "$@" >/dev/null
			wait
			# the next run finds a front that takes nobody for dead
			"$chains/$kind" down >/dev/null 2>&1
		)
		take "$run.load"
	done
	rm -rf "$run" "$run.load"
	row "$name" "$who" "$all_failed" "$all_windows" ""
}
alone_tile() { # NAME WHO SECONDS
	alone tile 25000 200 "$3" "kill -9 Apache, 200/s" "$1" kill9 apache
	alone tile 25000 200 "$3" "Apache hangs" "$1" hang apache
}

# well: everything is up and each route is as it should be again
well() {
	"$chains/fault" clear --no-restart >/dev/null 2>&1
	await_up 60 >/dev/null || echo "not well within 60 s: $(ctl status | grep -Ev ' (up|quiet|primary) ')"
	sleep 1
}

# what is cold is slow: a Tomcat that gets its first 200 requests in a second fails its checks
warm() { # RATE
	"$chains/load" "$kind" "$1" 8 >/dev/null 2>&1
}

# under NAME RATE SECONDS EVENTS COMMAND...: under monitord; EVENTS: KIND:OBJECT ..., their times
under() {
	local name=$1 rate=$2 seconds=$3 events=$4 e
	shift 4
	[[ $name =~ ${ONLY:-.} ]] || return
	begin_row
	for _ in $(seq "$runs"); do
		well
		mark
		"$chains/load" "$kind" "$rate" "$seconds" >"$dir/load.out" 2>&1 &
		load=$!
		sleep 1
		fault_ms=$(now)
		"$@" >/dev/null 2>&1
		wait "$load"
		take "$dir/load.out"
		for e in $events; do
			all_notes="$all_notes ${e%%:*} $(since "${e%%:*}" "${e#*:}" 30)"
		done
		all_notes="$all_notes;"
	done
	row "$name" monitord "$all_failed" "$all_windows" "$all_notes"
}
fault_then_clear() { "$chains/fault" "$@"; sleep 1; "$chains/fault" clear --no-restart; }
both() { "$chains/fault" kill9 apache; sleep 0.3; "$chains/fault" kill9 tomcat; }
# no directory of the service itself is ever full of cores: they are as big as it is
core_of() {
	local pid
	pid=$(pid_of "$1")
	prlimit --core=unlimited --pid "$pid"
	kill -ABRT "$pid"
}
restart_daemon() {
	kill -9 "$daemon"
	wait "$daemon" 2>/dev/null
	chain_daemon
}
# a front that dies while another backend than the first is chosen: when is that so again?
front_again() { # SERVICE URL HEADER WANTED
	local end up=
	"$chains/fault" kill9 "$1" >/dev/null
	end=$(($(now) + 15000))
	while [ "$(now)" -lt "$end" ]; do
		is=$(curl -s -m 1 -o /dev/null -D - -H 'X-Chains-Pass: 1' "$2?$RANDOM" | tr -d '\r' |
			sed -n "s/^$3: //Ip")
		[ -n "$is" ] && [ -z "$up" ] && up=$(now)
		[ -n "$up" ] && [ "$is" = "$4" ] && break
		sleep 0.02
	done
	[ "$is" = "$4" ] && echo "$(($(now) - up))" || echo never
}
fronts_again() { # NAME SERVICE URL HEADER WANTED ROUTE
	local n
	begin_row
	for _ in $(seq "$runs"); do
		n=$(front_again "$2" "$3" "$4" "$5")
		all_notes="$all_notes $n"
		"$chains/fault" clear --no-restart >/dev/null 2>&1
		for _ in $(seq 300); do ctl status "$2" >/dev/null && break; sleep 0.1; done
		sleep 1
	done
	row "$1" monitord "" "" "as wanted$all_notes ms after it answered"
}

part_alone_tile() {
	export TILE_PROBE_INTERVAL=5 TILE_PROBE_TIMEOUT=2 TILE_PROBE_WINDOW=8 TILE_PROBE_THRESHOLD=3
	alone_tile "Varnish, 5 s, 3 of 8" "" 45
	export TILE_PROBE_INTERVAL=0.2 TILE_PROBE_TIMEOUT=0.2 TILE_PROBE_WINDOW=3 TILE_PROBE_THRESHOLD=2
	alone_tile "Varnish, 200 ms, 2 of 3" "" 10
	unset TILE_PROBE_INTERVAL TILE_PROBE_TIMEOUT TILE_PROBE_WINDOW TILE_PROBE_THRESHOLD
}
part_alone_ad() {
	local f
	for f in "kill9 ad1" "hang ad1"; do
		name="kill -9 a farm Tomcat, 300/s"
		[ "$f" = "hang ad1" ] && name="a farm Tomcat hangs"
		export AD_CHECK_INTER=2000 AD_CHECK_TIMEOUT=2000 AD_CHECK_FALL=3 AD_REDISPATCH=0
		alone ad 26000 300 16 "$name" "HAProxy, 2 s, fall 3" $f
		export AD_CHECK_INTER=200 AD_CHECK_TIMEOUT=200 AD_CHECK_FALL=2 AD_REDISPATCH=1
		alone ad 26000 300 8 "$name" "HAProxy, 200 ms, fall 2" $f
	done
	unset AD_CHECK_INTER AD_CHECK_TIMEOUT AD_CHECK_FALL AD_REDISPATCH
}
part_tile() {
	sed 's,^at-most = .*,at-most = 60 in 5m,' "$source/examples/tile.ini" >"${TMPDIR:-/tmp}/mch.tile.ini"
	chain_begin tile "${TMPDIR:-/tmp}/mch.tile.ini" 25000 >/dev/null
	rm -f "${TMPDIR:-/tmp}/mch.tile.ini"
	warm 200
	under "kill -9 Apache, 200/s" 200 9 "route-moved:tile service-up:apache route-restored:tile" \
		"$chains/fault" kill9 apache
	under "kill -9 Apache's parent alone" 200 9 "route-moved:tile service-up:apache" \
		"$chains/fault" kill9 apache main
	under "planned restart of Apache" 200 9 "route-moved:tile service-up:apache" ctl restart apache
	under "Apache hangs" 200 8 "check-down:apache-http route-moved:tile" "$chains/fault" hang apache
	under "Tomcat dies during Apache's failover" 200 9 "service-up:tomcat" both
	under "kill -9 of monitord" 200 6 "" restart_daemon
	well
	ctl reroute tile v_primary.tomcat >/dev/null
	fronts_again "Varnish dies, Tomcat is the choice" varnish "http://127.0.0.1:25000/stats" X-Backend tomcat
	ctl restore tile >/dev/null
	chain_end
}
part_ad() {
	sed -e 's,^at-most = .*,at-most = 60 in 5m,' -e 's,^\[service ad2\],&\ndir = /tmp/chains-run/ad2/temp\nlimits = core unlimited,' \
		"$source/examples/ads.ini" >"${TMPDIR:-/tmp}/mch.ads.ini"
	chain_begin ad "${TMPDIR:-/tmp}/mch.ads.ini" 26000 >/dev/null
	rm -f "${TMPDIR:-/tmp}/mch.ads.ini"
	warm 300
	under "kill -9 a farm Tomcat, 300/s" 300 6 "route-moved:ads service-up:ad1" "$chains/fault" kill9 ad1
	under "a farm Tomcat dumps core" 300 6 "service-dying:ad2 route-moved:ads" core_of ad2
	under "a farm Tomcat hangs" 300 6 "check-down:ad1-http route-moved:ads" "$chains/fault" hang ad1
	under "a farm Tomcat answers 500" 300 6 "check-down:ad2-http route-moved:ads" \
		fault_then_clear http500 ad2
	under "planned restart of a farm Tomcat" 300 8 "route-moved:ads service-up:ad1" ctl restart ad1
	under "a farm Tomcat leaks past 350M" 300 14 "rule-fired:ad3-leaks service-up:ad3" \
		"$chains/fault" leak ad3 100 450
	"$chains/smtp" mode silent >/dev/null
	under "kill -9 a farm Tomcat, mail server silent" 300 6 "route-moved:ads service-up:ad1" \
		"$chains/fault" kill9 ad1
	"$chains/smtp" mode ok >/dev/null
	for _ in $(seq 600); do ctl status --json | grep -q '"queued":0' && break; sleep 0.1; done
	ctl status --json | grep -q '"queued":0' && echo "all mails arrived once the mail server answered again"
	under "kill -9 of monitord" 300 6 "" restart_daemon
	chain_end
}
# the network of the monitor cut: all that the probes send is dropped
part_cut() {
	command -v nft >/dev/null || { echo "cut: skipped, there is no nft"; return; }
	chain_begin ad "$source/examples/ads.ini" 26000 >/dev/null
	warm 300
	uid=$(ps -o uid= -p "$(pgrep -P "$daemon" -f 'monitord-probes' | head -n 1)" | tr -d ' ')
	begin_row
	for _ in $(seq "$runs"); do
		well
		sleep 6
		mark
		"$chains/load" ad 300 12 >"$dir/load.out" 2>&1 &
		load=$!
		sleep 1
		# of our own ports only: other tests' probes have the same user
		nft add table inet mbench
		nft add chain inet mbench out '{ type filter hook output priority 0; }'
		nft add rule inet mbench out meta skuid "$uid" tcp dport 26000-26299 drop
		sleep 8
		nft delete table inet mbench
		wait "$load"
		take "$dir/load.out"
		acts=0
		for k in service-stopping service-signalled service-exited route-ordered rule-fired; do
			acts=$((acts + $(count_events "$k")))
		done
		sleep 4
		all_notes="$all_notes actions $acts, alerts $(($(count_events incident-open) + $(count_events incident-again)));"
	done
	row "the network of the monitor is cut for 8 s" monitord "$all_failed" "$all_windows" "$all_notes"
	chain_end
}
part_flap() {
	local end
	sed 's/^\[route tile\]/&\nflap = 4 in 10m/' "$source/examples/tile.ini" >"${TMPDIR:-/tmp}/mch.tile.ini"
	chain_begin tile "${TMPDIR:-/tmp}/mch.tile.ini" 25000 >/dev/null
	rm -f "${TMPDIR:-/tmp}/mch.tile.ini"
	well
	mark
	end=$(($(now) + ${FLAP_SECONDS:-300} * 1000))
	"$chains/load" tile 200 "${FLAP_SECONDS:-300}" >"$dir/load.out" 2>&1 &
	load=$!
	while [ "$(now)" -lt "$end" ]; do
		"$chains/fault" kill9 apache >/dev/null 2>&1 # where it is up
		"$chains/fault" clear --no-restart >/dev/null 2>&1
		sleep 0.8
	done
	begin_row
	wait "$load"
	take "$dir/load.out"
	row "Apache flaps each second for ${FLAP_SECONDS:-300} s" monitord "$all_failed" "$all_windows" \
		"switches $(count_events route-ordered), pages $(count_events page), restarts $(count_events service-starting)"
	chain_end
}

row fault who failed "window, ms" "ms after the fault (its script takes 50 to 200)"
for part in $parts; do
	"part_${part//-/_}" || echo "no part $part"
done
exit 0
