# test/system/chain.sh: sourced. A chain of ../shared/chains under monitord, with its faults.
# Sets dir, sock; every wait has a deadline; all that was started is ended by process id.
. "${MONITORD_SOURCE:?}/test/system/wait.sh"
build=${MONITORD_BUILD:?}
source=${MONITORD_SOURCE:?}
chains=${MONITORD_CHAINS:-$source/../shared/chains}

skip() {
	echo "SKIP: $*"
	exit 77
}
[ -x "$chains/tile" ] || skip "the chains are not at $chains"
[ "$(id -u)" -eq 0 ] || skip "the chains need root"
for program in varnishd haproxy apache2 java; do
	command -v "$program" >/dev/null || [ -x "/usr/sbin/$program" ] ||
		"$chains/install" >/dev/null 2>&1 || skip "chains/install failed"
done

# chain_begin tile|ad RULES PORT_BASE: the chain prepared in its own place, under monitord
chain_begin() {
	kind=$1
	dir=$(mktemp -d "${TMPDIR:-/tmp}"/mch.XXXXXX) || exit 1
	chmod 755 "$dir"
	export CHAINS_RUN=$dir CHAINS_PORT_BASE=$3 CHAINS_SUPERVISED=1
	port=$3
	trap chain_end EXIT
	trap 'exit 130' INT TERM
	"$chains/$kind" prepare >"$dir.prepare" 2>&1 || { cat "$dir.prepare"; exit 1; }
	rm -f "$dir.prepare"
	mkdir -p "$dir/monitord/run" "$dir/monitord/state"
	"$chains/smtp" up >/dev/null 2>&1 || { echo "chains/smtp up failed"; exit 1; }
	"$chains/webhook" up >/dev/null 2>&1 || { echo "chains/webhook up failed"; exit 1; }
	sock=$dir/monitord/run/status.sock
	rules=$dir/monitord.ini
	sed -E -e "s,/tmp/chains-run,$dir,g" -e "s,\b27([0-9]{3})\b,@\1@,g" "$2" |
		awk -v base="$port" '{
			while (match($0, /@[0-9][0-9][0-9]@/))
				$0 = substr($0, 1, RSTART - 1) (base + substr($0, RSTART + 1, 3)) \
					substr($0, RSTART + 5)
			print
			if ($0 == "[monitord]")
				print "helpers = '"$build"'\non-stop = stop"
		}' >"$rules"
	"$build/monitord/monitord" -t -c "$rules" || exit 1
	chain_daemon
	await_up 60 || { ctl status; tail -n 60 "$dir/monitord/log"; exit 1; }
	last=0
}

chain_daemon() {
	"$build/monitord/monitord" -c "$rules" >>"$dir/monitord/log" 2>&1 &
	daemon=$!
}

chain_end() {
	trap - EXIT INT TERM
	[ "$failures" -ne 0 ] && { ctl status; tail -n 80 "$dir/monitord/log"; }
	kill -CONT "$daemon" 2>/dev/null
	kill -TERM "$daemon" 2>/dev/null
	for _ in $(seq 200); do kill -0 "$daemon" 2>/dev/null || break; sleep 0.1; done
	kill -KILL "$daemon" 2>/dev/null
	"$chains/fault" clear --no-restart >/dev/null 2>&1
	for k in "$kind" smtp webhook; do "$chains/$k" down >/dev/null 2>&1; done
	[ -n "${KEEP:-}" ] || rm -rf "$dir"
}

load_begin() { # RATE SECONDS
	"$chains/load" "$kind" "$1" "$2" >"$dir/load.out" 2>&1 &
	load=$!
}
load_end() { # sets failed and window (ms)
	wait "$load"
	failed=$(sed -nE 's/.*\bfailed=([0-9]+).*/\1/p' "$dir/load.out" | head -n 1)
	window=$(sed -nE 's/.*error_window_ms=([0-9]+).*/\1/p' "$dir/load.out" | head -n 1)
	total=$(sed -nE 's/.*\btotal=([0-9]+).*/\1/p' "$dir/load.out" | head -n 1)
	echo "     load: $total requests, ${failed:-?} failed, window ${window:-?} ms"
}
fault() {
	mark
	fault_ms=$(now)
	"$chains/fault" "$@" >/dev/null || bad "fault $*"
}
mails() { find "$dir/smtp" -name '*.eml' -o -path '*/new/*' -type f 2>/dev/null | wc -l; }
