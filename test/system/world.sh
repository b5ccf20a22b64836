# test/system/world.sh: sourced. A small world of monitord-demo's servers under monitord, in a
# folder of its own. Every wait has a deadline; all that was started is ended by process id.
. "${MONITORD_SOURCE:?}/test/system/wait.sh"
build=${MONITORD_BUILD:?}
dir=$(mktemp -d "${TMPDIR:-/tmp}"/mworld.XXXXXX) || exit 1
chmod 755 "$dir"
mkdir "$dir/run" "$dir/state"
sock=$dir/run/status.sock
rules=$dir/monitord.ini
demo=$build/monitord-demo
daemon=
kids=
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
mails() { grep -c '^Message-ID: ' "$dir/mailbox"; }
# helpers_of: pid and name of each helper of the daemon
helpers_of() { ps -o pid=,args= --ppid "$daemon" | awk '$2 ~ /^monitord-/ { print $1, $2 ($3 != "" ? "-" $3 : "") }'; }
helper_pid() { helpers_of | awk -v name="$1" '$2 == name { print $1 }'; }
