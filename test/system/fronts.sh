#!/bin/bash
# Each driver against the real front of ../shared/chains: read, switched, told by a hand, and
# told again when the front began anew. The backends are the fronts' own; checks are files, so
# that health is ours to say.
. "${MONITORD_SOURCE:?}/test/system/chain.sh"
[ -n "${MONITORD_LONG:-}" ] || skip "it takes a minute: MONITORD_LONG is not set"
for program in nginx squid; do
	[ -x "/usr/sbin/$program" ] || skip "there is no $program"
done
base=22000
dir=$(mktemp -d "${TMPDIR:-/tmp}"/mfr.XXXXXX) || exit 1
chmod 755 "$dir"
export CHAINS_RUN=$dir CHAINS_PORT_BASE=$base
unset CHAINS_SUPERVISED
daemon=
fronts_end() {
	trap - EXIT INT TERM
	[ "$failures" -ne 0 ] && { ctl status; tail -n 60 "$dir/log.monitord"; }
	[ -n "$daemon" ] && { kill -TERM "$daemon"; wait "$daemon"; } 2>/dev/null
	for k in tile ad nginx squid; do "$chains/$k" down >/dev/null 2>&1; done
	[ -n "${KEEP:-}" ] || rm -rf "$dir"
}
trap fronts_end EXIT
trap 'exit 130' INT TERM
up() { "$chains/$1" up $2 >"$dir.up" 2>&1 || { cat "$dir.up"; rm -f "$dir.up"; exit 1; }; rm -f "$dir.up"; }
up tile
up ad haproxy
up nginx
up squid
eval "$("$chains/nginx" env)"
eval "$("$chains/squid" env)"
mkdir "$dir/run" "$dir/state" "$dir/well"
for r in vb vv hap ap ng sq ln rn fl; do touch "$dir/well/$r-1" "$dir/well/$r-2"; done
sock=$dir/run/status.sock
cat >"$dir/command" <<RUN
#!/bin/sh
[ "\$1" = get ] && exec cat $dir/command.state
shift
echo "\$@" >$dir/command.state.new && mv $dir/command.state.new $dir/command.state
RUN
chmod 755 "$dir/command"
echo one >"$dir/command.state"
ln -s release-a "$dir/link"
echo one >"$dir/flag"
{
	cat <<RULES
[monitord]
socket  = $sock
state   = $dir/state
helpers = $build
RULES
	for r in vb vv hap ap ng sq ln rn fl; do
		for n in 1 2; do
			printf '[check %s-%s]\nfile = %s/well/%s-%s\nevery = 200ms\ndown = 1\nup = 1\n' $r $n "$dir" $r $n
		done
	done
	cat <<RULES
[route vb]
varnish = 127.0.0.1:$((base + 1)) secret=$dir/varnish/secret
backend = v_primary.apache check vb-1
backend = v_primary.tomcat check vb-2
return  = after 1s
[route vv]
varnish = 127.0.0.1:$((base + 1)) secret=$dir/varnish/secret vcl=primary
backend = v_primary check vv-1
backend = v_secondary check vv-2
return  = after 1s
[route hap]
haproxy = $dir/haproxy/admin.sock farm
backend = ad1 check hap-1 address 127.0.0.1:$((base + 111))
backend = ad2 check hap-2
active  = all
return  = after 1s
[route ap]
apache  = http://127.0.0.1:$((base + 11))/balancer-manager tiles
backend = ajp://127.0.0.1:$((base + 21)) check ap-1
backend = 127.0.0.1:$((base + 20)) check ap-2
return  = after 1s
[route ng]
nginx   = $NGINX_UPSTREAM_FILE
line    = server {backend} max_fails=0;
test    = $NGINX_CHECK_CMD
reload  = /usr/sbin/nginx -s reload -c $NGINX_CONF
backend = 127.0.0.1:$ORIGIN_A_PORT check ng-1
backend = 127.0.0.1:$ORIGIN_B_PORT check ng-2
return  = after 1s
[route sq]
squid   = $SQUID_PEER_FILE
line    = ${SQUID_PEER_PRIMARY/127.0.0.1 parent $ORIGIN_A_PORT/{host\} parent {port\}}
test    = $SQUID_CHECK_CMD
reload  = $SQUID_RELOAD_CMD
backend = 127.0.0.1:$ORIGIN_A_PORT check sq-1
backend = 127.0.0.1:$ORIGIN_B_PORT check sq-2
return  = after 1s
[route ln]
link    = $dir/link
backend = release-a check ln-1
backend = release-b check ln-2
return  = after 1s
[route rn]
run     = $dir/command
user    = root
backend = one check rn-1
backend = two check rn-2
return  = after 1s
[route fl]
switch  = $dir/flag
backend = one check fl-1
backend = two check fl-2
return  = after 1s
RULES
} >"$dir/monitord.ini"
"$build/monitord/monitord" -t -c "$dir/monitord.ini" || exit 1
"$build/monitord/monitord" -c "$dir/monitord.ini" >>"$dir/log.monitord" 2>&1 &
daemon=$!
await_up 20 || { bad "not all routes are as they should be"; exit 1; }

# what each front really does, asked past monitord
cli() { "$chains/reroute" "$@" 2>&1; }
header() { curl -s -m 2 -o /dev/null -D - -H 'X-Chains-Pass: 1' "$1" | tr -d '\r' | sed -n "s/^$2: //Ip"; }
is_vb() { header "http://127.0.0.1:$base/stats?$RANDOM" X-Backend; }
is_vv() { cli varnish vcl.list | awk '$5 == "primary" { print $7 }'; }
is_hap() { cli haproxy show servers state farm | awk '$4 ~ /^ad[12]$/ && $7 == 0 { printf "%s ", $4 }'; }
is_ap() { header "http://127.0.0.1:$((base + 10))/stats?$RANDOM" X-Route; }
is_ng() { curl -s -m 2 "http://127.0.0.1:$NGINX_PORT/"; }
is_sq() { curl -s -m 2 "http://127.0.0.1:$SQUID_PORT/"; }
is_ln() { readlink "$dir/link"; }
is_rn() { cat "$dir/command.state"; }
is_fl() { cat "$dir/flag"; }
await_front() { # ROUTE WANTED SECONDS WHAT: the front itself says so
	local end=$(($(now) + $3 * 1000)) is
	until is=$("is_$1"); [ "${is% }" = "$2" ]; do
		[ "$(now)" -lt "$end" ] || { bad "$1: $4: the front says '$is', not '$2'"; return 1; }
		sleep 0.02
	done
	ok "$1: $4: $2"
}
state() { ctl status "$1" --json | sed -nE 's/.*"state":"(primary|rerouted|manual|stuck)".*/\1/p' | head -n 1; }
await_state() { # ROUTE STATE
	for _ in $(seq 100); do [ "$(state "$1")" = "$2" ] && return; sleep 0.05; done
	bad "$1 is $(state "$1"), not $2"
}

moves() { # ROUTE FIRST SECOND: away from who is ill, and back
	rm "$dir/well/$1-1"
	await_front "$1" "$3" 5 "away"
	touch "$dir/well/$1-1"
	await_front "$1" "$2" 8 "back"
	await_state "$1" primary
}
for r in "vb apache tomcat" "vv v_primary v_secondary" "ap ajp http" "ng origin\ a origin\ b" \
	"sq origin\ a origin\ b" "ln release-a release-b" "rn one two" "fl one two"; do
	eval "moves $r"
done
moves hap "ad1 ad2" "ad2"

by_hand() { # ROUTE FIRST SECOND COMMAND...: told, respected, restored
	local route=$1 first=$2 second=$3
	shift 3
	mark
	"$@" >/dev/null
	event route-by-hand "$route" 5 && ok "$route: a hand's work is told" || bad "$route: nothing told"
	sleep 1.5
	await_front "$route" "$second" 1 "left so"
	await_state "$route" manual
	ctl restore "$route" >/dev/null || bad "restore $route"
	await_front "$route" "$first" 5 "restored"
	await_state "$route" primary
}
by_hand vb apache tomcat cli varnish-health v_primary.apache sick
by_hand vv v_primary v_secondary cli varnish vcl.label primary v_secondary
by_hand hap "ad1 ad2" ad2 cli haproxy-state ad1 drain
ajp_off() { cli balancer http enable; cli balancer http active; cli balancer ajp disable; }
by_hand ap ajp http ajp_off
by_hand ng "origin a" "origin b" cli nginx b
by_hand sq "origin a" "origin b" cli squid b
by_hand ln release-a release-b ln -sfn release-b "$dir/link"
by_hand rn one two sh -c "echo two >$dir/command.state"
by_hand fl one two sh -c "echo two >$dir/flag"

anew() { # ROUTE WANTED CHAIN COMPONENT WARM: its front dies and begins anew; the state is ours
	local began
	"$chains/$3" down "$4" >/dev/null 2>&1
	"$chains/$3" up "$4" >/dev/null 2>&1
	began=$(now)
	await_front "$1" "$2" 5 "after a restart of $4" && echo "     told again $(($(now) - began)) ms after it was up"
	[ $(($(now) - began)) -lt 1000 ] || bad "$1: it took longer than a second"
}
for r in vb vv hap ap; do rm "$dir/well/$r-1"; done
await_front vb tomcat 5 "away"
await_front vv v_secondary 5 "away"
await_front hap ad2 5 "away"
await_front ap http 5 "away"
anew vb tomcat tile varnish
await_front vv v_secondary 2 "after the same"
anew hap ad2 ad haproxy
anew ap http tile apache
for r in vb vv hap ap; do [ "$(state $r)" = rerouted ] || bad "$r is $(state $r), not rerouted"; done

echo "# a child of Varnish that dies takes along what was set by hand"
"$chains/fault" kill9 varnish child >/dev/null
await_front vb tomcat 5 "after the death of the child"
"$chains/fault" clear --no-restart >/dev/null 2>&1

echo "# a file that the front's own test refuses brings the old one back"
printf 'server 127.0.0.1:%s max_fails=0;\n' "$ORIGIN_A_PORT" >"$dir/good"
mv "$NGINX_CONF" "$NGINX_CONF.good"
sed 's/events {/events { nonsense;/' "$NGINX_CONF.good" >"$NGINX_CONF"
mark
rm "$dir/well/ng-1"
for _ in $(seq 100); do grep -q "the old .* is back" "$dir/log.monitord" && break; sleep 0.05; done
grep -q "the old .* is back" "$dir/log.monitord" && ok "the test's word is in the log" || bad "no word of the test"
[ "$(is_ng)" = "origin a" ] && ok "nginx goes on as before" || bad "nginx says '$(is_ng)'"
mv "$NGINX_CONF.good" "$NGINX_CONF"
await_front ng "origin b" 8 "once the test is content"
[ ! -e "$NGINX_UPSTREAM_FILE.monitord" ] && ok "no old file is left" || bad "an old file is left"
finish
