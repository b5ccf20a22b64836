#!/bin/bash
# The protocols of the two chains against their real servers: AJP with its secret, Tomcat's threads
# by its manager and its JMX proxy, Apache's scoreboard, Varnish by its CLI, HAProxy's socket,
# Java RMI: what each measures, that it sees threads being taken, and what it says of a server
# that hangs or is gone.
[ -n "${MONITORD_LONG:-}" ] || { echo "SKIP: it takes a minute: MONITORD_LONG=1"; exit 77; }
. "${MONITORD_SOURCE:?}/test/system/chain.sh"
dir=$(mktemp -d "${TMPDIR:-/tmp}"/mcp.XXXXXX) || exit 1
chmod 755 "$dir"
export CHAINS_RUN=$dir CHAINS_PORT_BASE=25000
base=$CHAINS_PORT_BASE
ajp=$((base + 29)) # with a secret
manager=/usr/share/tomcat10-admin/manager
sock=$dir/monitord/run/status.sock
rules=$dir/monitord.ini
daemon=
tomcat=
end() {
	trap - EXIT INT TERM
	[ "$failures" -ne 0 ] && { ctl status; tail -n 40 "$dir/monitord/log"; }
	[ -n "$daemon" ] && kill "$daemon" 2>/dev/null && wait "$daemon" 2>/dev/null
	"$chains/fault" clear --no-restart >/dev/null 2>&1
	[ -n "$tomcat" ] && kill -CONT "$tomcat" 2>/dev/null
	[ -n "$tomcat" ] && kill "$tomcat" 2>/dev/null
	for k in tile ad; do "$chains/$k" down >/dev/null 2>&1; done
	[ -n "${KEEP:-}" ] || rm -rf "$dir"
}
trap end EXIT
trap 'exit 130' INT TERM

"$chains/tile" prepare >"$dir.out" 2>&1 || { cat "$dir.out"; exit 1; }
rm -f "$dir.out"
# its own Tomcat, with two things more: an AJP connector that wants a secret, and the manager
xml=$dir/tomcat/conf/server.xml
sed -i "/<Engine /i <Connector port=\"$ajp\" address=\"127.0.0.1\" protocol=\"AJP/1.3\" secret=\"geheim\"/>" "$xml"
if [ -d "$manager" ]; then
	sed -i -e '/<Host /i <Realm className="org.apache.catalina.realm.MemoryRealm" pathname="conf/users.xml"/>' \
		-e "/<\/Host>/i <Context path=\"/manager\" docBase=\"$manager\" privileged=\"true\"/>" "$xml"
	cat >"$dir/tomcat/conf/users.xml" <<-XML
		<tomcat-users><user username="probe" password="geheim" roles="manager-status,manager-jmx"/></tomcat-users>
	XML
	chmod 644 "$dir/tomcat/conf/users.xml"
else
	echo "skip tomcat: no manager (package tomcat10-admin)"
fi
eval "$("$chains/tile" env | grep ^TOMCAT_)"
# shellcheck disable=SC2086
$TOMCAT_CMD >"$dir/tomcat.log" 2>&1 &
tomcat=$!
for _ in $(seq 300); do (exec 3<>"/dev/tcp/127.0.0.1/$ajp") 2>/dev/null && break; sleep 0.1; done
"$chains/tile" up varnish apache >"$dir/up" 2>&1 || { cat "$dir/up"; exit 1; }
"$chains/ad" up >"$dir/up" 2>&1 || { cat "$dir/up"; exit 1; }
eval "$("$chains/tile" env)"
eval "$("$chains/ad" env)"

mkdir -p "$dir/monitord/run" "$dir/monitord/state"
echo geheim >"$dir/secret"
echo falsch >"$dir/wrong"
chmod 600 "$dir/secret" "$dir/wrong"
{
	printf '[monitord]\nsocket = %s\nstate = %s/monitord/state\nhelpers = %s\n' "$sock" "$dir" "$build"
	printf 'alert = none\nevery = 500ms\ntimeout = 2s\ndown = 1\nup = 1\n'
	# all are of one service: that so many fail together nobody would believe
	printf '[service world]\nrun = /bin/sleep 600\nready = exec\n'
} >"$rules"
check() { printf '\n[check %s]\nof = world\n%s\n' "$1" "$2" >>"$rules"; }
check ajp "ajp = 127.0.0.1:$TOMCAT_AJP_PORT"
check ajp-open "ajp = 127.0.0.1:$TOMCAT_AJP_PORT/health"
check ajp-secret "ajp = 127.0.0.1:$ajp/health
secret-file = $dir/secret"
check ajp-wrong "ajp = 127.0.0.1:$ajp/health
secret-file = $dir/wrong"
check ajp-bare "ajp = 127.0.0.1:$ajp/health"
if [ -d "$manager" ]; then
	login="auth-user = probe
auth-password-file = $dir/secret"
	check tomcat "tomcat = http://127.0.0.1:$((base + 20))/manager/status?XML=true
$login
expect = busy-limit = 50, busy < 50%"
	check tomcat-jmx "tomcat = http://127.0.0.1:$((base + 20))/manager/jmxproxy/?qry=Catalina:type=ThreadPool,*
$login"
	check tomcat-stranger "tomcat = http://127.0.0.1:$((base + 20))/manager/status?XML=true"
fi
check apache "apache-status = $APACHE_STATUS_URL
expect = busy > 0, busy-limit > 1, idle > 0"
check varnish "varnish = 127.0.0.1:$((base + 1))
secret-file = $VARNISH_SECRET_FILE
expect = servers > 1, servers-up > 1"
check varnish-counters "script = $source/examples/varnish-counters $(dirname "$VARNISH_PIDFILE")/work
timeout = 5s
user = root
expect = threads > 1, thread_queue_len = 0, sess_dropped = 0
warn = n_object > 1000000"
check varnish-wrong "varnish = 127.0.0.1:$((base + 1))
secret-file = $dir/wrong"
check haproxy "haproxy = $HAPROXY_SOCKET
expect = servers-up > 2, sessions < 50%"
check haproxy-farm "haproxy = $HAPROXY_SOCKET farm
expect = servers = 3, servers-up = 3, queue = 0"
check haproxy-none "haproxy = $HAPROXY_SOCKET nobody"
check jrmp "jrmp = 127.0.0.1:$RMI_PORT"
check jrmp-object "jrmp = 127.0.0.1:$RMI_PORT/business"
check jrmp-nobody "jrmp = 127.0.0.1:$RMI_PORT/nobody"
check backlog "listen = tcp 127.0.0.1:$TOMCAT_AJP_PORT"
"$build/monitord/monitord" -t -c "$rules" || exit 1
"$build/monitord/monitord" -c "$rules" >>"$dir/monitord/log" 2>&1 &
daemon=$!

state() { ctl status "$1" --json 2>/dev/null | grep -o '"state":"[a-z]*"' | head -n 1 | cut -d'"' -f4; }
shows() { # CHECK STATE [WORDS]: within 15 s
	for _ in $(seq 150); do
		[ "$(state "$1")" = "$2" ] && ctl status "$1" --json | grep -qF -- "${3:-}" && break
		sleep 0.1
	done
	local is=$(ctl status "$1" --json)
	if [ "$(state "$1")" = "$2" ] && grep -qF -- "${3:-}" <<<"$is"; then
		ok "$1 is $2 $(grep -oE '"(error)":"[^"]*"|"metrics":\{[^}]*\}' <<<"$is" | tr '\n' ' ')"
	else
		bad "$1 is not $2 (${3:-}): $is"
	fi
}
for c in ajp ajp-open ajp-secret apache varnish varnish-counters haproxy haproxy-farm jrmp jrmp-object backlog; do shows "$c" up; done
shows ajp-wrong down "is the secret wrong?"
shows ajp-bare down "does it want a secret?"
shows varnish-wrong down "secret"
shows haproxy-none down "no backend nobody"
shows jrmp-nobody down "not bound"
if [ -d "$manager" ]; then
	shows tomcat up
	shows tomcat-jmx up
	shows tomcat-stranger down "status 401"
	echo "# 30 of 50 threads are taken"
	held=
	for _ in $(seq 30); do
		curl -s -o /dev/null --max-time 20 "http://127.0.0.1:$((base + 20))/hold?ms=6000" &
		held="$held $!"
	done
	shows tomcat down "busy-percent"
	# shellcheck disable=SC2086
	wait $held
	shows tomcat up
fi
echo "# Tomcat hangs: it accepts, and answers nobody"
kill -STOP "$tomcat"
shows ajp down "not a byte came"
shows ajp-secret down "not a byte came"
shows backlog up
kill -CONT "$tomcat"
shows ajp up
echo "# the business server is gone, and a server of the farm"
"$chains/fault" rmi-down >/dev/null
shows jrmp down "refused"
shows jrmp-object down "refused"
"$chains/fault" kill9 ad2 >/dev/null
shows haproxy-farm down "servers-up 2"
echo "# Varnish's child is stopped: its manager answers still"
varnishadm=$(command -v varnishadm || echo /usr/bin/varnishadm)
"$varnishadm" -T "127.0.0.1:$((base + 1))" -S "$VARNISH_SECRET_FILE" stop >/dev/null
shows varnish down "its child"
shows varnish-counters down "VARNISH CRITICAL"
finish
