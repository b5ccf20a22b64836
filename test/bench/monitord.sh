# Plug-in of ../shared/bench/restart for the monitord of the build tree; VAR is what is wrong
# while services die: bare (nothing; no checks, no contacts, no history), log (the same, and each
# service has a log), mail (the mail server is silent), stop (each helper in turn is stopped for
# a second), kill (each helper in turn is killed).
GAP=${GAP_MS:-40} SETTLE=1 # each of the 20 services still lives for more than a second, as it does elsewhere

sup_check() { "$MONITORD_BUILD/monitord/monitord" --version; }

# The run directory lies in memory, as /run does.
sup_configure() {
	local i
	RUN_DIR=$(mktemp -d /dev/shm/monitord-bench.XXXXXX)
	mkdir "$RUN_DIR/log"
	chmod 755 "$RUN_DIR" "$RUN_DIR/log"
	{
		printf '[monitord]\nsocket = %s/status.sock\nstate = %s/state\n' "$RUN_DIR" "$D"
		printf 'helpers = %s\non-stop = stop\n' "$MONITORD_BUILD"
		case $VAR in
		bare | log) printf 'history = off\n' ;;
		*) all_helpers ;;
		esac
		for i in $(seq 0 $(($1 - 1))); do
			printf '[service s%d]\nrun = %s -f %s %d\n' "$i" "$DUMMY" "$FIFO" "$i"
			[ "$VAR" != log ] || printf 'log = %s/log/s%d 1M x 2\n' "$RUN_DIR" "$i"
		done
	} >"$D/monitord.ini"
	chmod 755 "$D"
}

# What needs each helper: alerts a contact, net a check, routes a route.
all_helpers() {
	printf 'alert = ops\nsmtp = %s\n' "$BENCH_SILENT"
	printf '[contact ops]\nmail = ops@example.org\n'
	printf '[check of-s0]\nof = s0\nunix = %s/status.sock\nevery = 1s\n' "$RUN_DIR"
	printf '[route r]\nswitch = %s/active\nbackend = a\nbackend = b\n' "$D"
}

helpers() { pgrep -P "$SUP_PID" monitord-; }

# Ends with its monitord.
disturb() {
	local pid
	while kill -0 "$SUP_PID" 2>/dev/null; do
		for pid in $(helpers); do
			if [ "$VAR" = kill ]; then
				kill -KILL "$pid"
				sleep 0.2
			else
				kill -STOP "$pid"
				sleep 1
				kill -CONT "$pid"
			fi
		done 2>/dev/null
		sleep 0.1
	done
}

sup_start() {
	sup_bg "$MONITORD_BUILD/monitord/monitord" -c "$D/monitord.ini"
	case $VAR in stop | kill) disturb 9>&- & ;; esac
}

sup_stop() {
	kill "$SUP_PID"
	for _ in $(seq 100); do
		kill -0 "$SUP_PID" 2>/dev/null || break
		sleep 0.1
	done
	rmdir "$(cat "$RUN_DIR/cgroup")" 2>/dev/null
	rm -rf "$RUN_DIR"
}
