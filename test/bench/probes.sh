# Plug-in of ../shared/bench/probes for the monitord of the build tree.
MODES="http tcp"
DOWN='check-down'
available() { "$MONITORD_BUILD/monitord/monitord" --version >/dev/null; }
settings() { case $1 in typical) IV=100 TMO=100 FALL=1 ;; fastest) IV=10 TMO=100 FALL=1 ;; esac; }

start() { # MODE N INTERVAL_MS TIMEOUT_MS PORT FALL
	local i at
	{
		printf '[monitord]\nsocket = %s/run/status.sock\nstate = %s/state\n' "$W" "$W"
		printf 'helpers = %s\nalert = none\ndown = %d\n' "$MONITORD_BUILD" "$6"
		for ((i = 0; i < $2; i++)); do
			at=127.1.$((i >> 8)).$((i & 255)):$5
			printf '[check h%d]\n' "$i"
			case $1 in
			http) printf 'http = http://%s/x\n' "$at" ;;
			tcp) printf 'tcp = %s\n' "$at" ;;
			esac
			printf 'every = %dms\ntimeout = %dms\n' "$3" "$4"
		done
	} >"$W/m.ini"
	chmod 755 "$W"
	"$MONITORD_BUILD/monitord/monitord" -c "$W/m.ini" >>"$LOG" 2>&1 &
	PIDS=$!
}
