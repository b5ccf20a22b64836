#!/bin/bash
# Each protocol against its real server, from Debian's packages: up with what it measures,
# down when the server is gone or hangs. Servers that are not installed are skipped, and
# said so; each runs on a loopback port with a folder of its own.
[ -n "${MONITORD_LONG:-}" ] || { echo "SKIP: it takes a minute: MONITORD_LONG=1"; exit 77; }
[ "$(id -u)" -eq 0 ] || { echo "SKIP: the servers need root"; exit 77; }
. "${MONITORD_SOURCE:?}/test/system/world.sh"
next=$((21000 + $$ % 500 * 20))
export PATH=$PATH:/usr/sbin:/sbin
tested=
place() { # NAME: sets at (folder) and p (a free port)
	at=$dir/$1
	mkdir -p "$at"
	next=$((next + 1))
	while taken "$next"; do next=$((next + 1)); done
	p=$next
}
has() { # PROGRAM PACKAGE
	command -v "$1" >/dev/null && return
	echo "skip $1: not installed (package $2)"
	return 1
}
serve() { # NAME COMMAND...: started, to be ended by pid
	local name=$1
	shift
	"$@" >"$dir/$name.out" 2>&1 &
	kids="$kids $!"
	eval "pid_$name=$!"
	tested="$tested $name"
}
check() { # NAME LINES: a check
	printf '\n[check %s]\n%s\n' "$1" "$2" >>"$rules"
}
cat >"$rules" <<RULES
[monitord]
socket  = $sock
state   = $dir/state
helpers = $build
every   = 500ms
down    = 1
RULES
echo geheim >"$dir/password"
chmod 600 "$dir/password"

if has redis-server redis-server; then
	place redis
	serve redis redis-server --port "$p" --bind 127.0.0.1 --save '' --dir "$at" \
		--requirepass geheim --unixsocket "$at/s" --maxmemory 100mb
	check redis "redis = 127.0.0.1:$p
auth-password-file = $dir/password
expect = primary, clients < 100, memory-used < 50%, uptime < 1h"
	check redis-socket "redis = $at/s
auth-password-file = $dir/password"
	check redis-open "redis = 127.0.0.1:$p
down = 1000d"
	wrong="$wrong redis-open=NOAUTH"
fi
if has memcached memcached; then
	place memcached
	serve memcached memcached -l 127.0.0.1 -p "$p" -u nobody -U 0
	check memcached "memcached = 127.0.0.1:$p
expect = clients > 0, memory-used < 80%, evictions = 0"
fi
if has mariadbd mariadb-server; then
	place mysql
	chown nobody "$at"
	mariadb-install-db --no-defaults --user=nobody --datadir="$at/data" --skip-test-db \
		--auth-root-authentication-method=normal >"$at/install" 2>&1
	cat >"$at/init.sql" <<SQL
CREATE USER probe@'127.0.0.1' IDENTIFIED BY 'geheim';
SQL
	serve mysql mariadbd --no-defaults --user=nobody --datadir="$at/data" --port="$p" \
		--bind-address=127.0.0.1 --socket="$at/s" --init-file="$at/init.sql" \
		--skip-name-resolve --innodb-buffer-pool-size=8M
	login="auth-user = probe
auth-password-file = $dir/password"
	check mysql "mysql = 127.0.0.1:$p
$login
expect = clients > 0, uptime < 1h"
	check mysql-query "mysql = 127.0.0.1:$p
$login
query = SELECT 40 + 2
expect = result = 42, rows = 1, body ~ ^42"
	check mysql-anybody "mysql = 127.0.0.1:$p"
	check mysql-wrong "mysql = 127.0.0.1:$p
auth-user = probe
auth-password-file = $rules
down = 1000d"
	wrong="$wrong mysql-wrong=1045"
fi
pg=$(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | tail -n 1)
if [ -x "$pg/postgres" ] && id postgres >/dev/null 2>&1; then
	place pgsql
	chown postgres "$at"
	cp "$dir/password" "$at/password"
	chown postgres "$at/password"
	setpriv --reuid=postgres --regid=postgres --clear-groups "$pg/initdb" -D "$at/data" \
		-A scram-sha-256 --pwfile="$at/password" -N >"$at/initdb" 2>&1
	serve pgsql setpriv --reuid=postgres --regid=postgres --clear-groups "$pg/postgres" \
		-D "$at/data" -p "$p" -c listen_addresses=127.0.0.1 \
		-c unix_socket_directories="$at" -c fsync=off
	login="auth-user = postgres
auth-password-file = $dir/password"
	check pgsql "pgsql = 127.0.0.1:$p
$login
expect = primary, clients > 0, clients < 50%"
	check pgsql-socket "pgsql = $at/.s.PGSQL.$p
$login
database = template1
query = SELECT count(*) FROM pg_database
expect = result = 3"
	check pgsql-anybody "pgsql = 127.0.0.1:$p"
	check pgsql-wrong "pgsql = 127.0.0.1:$p
auth-user = postgres
auth-password-file = $rules
down = 1000d"
	wrong="$wrong pgsql-wrong=28P01"
else
	echo "skip postgres: not installed (package postgresql)"
fi
if has slapd slapd; then
	place ldap
	cat >"$at/conf" <<CONF
include /etc/ldap/schema/core.schema
pidfile $at/pid
modulepath /usr/lib/ldap
database ldif
directory $at
suffix dc=test
rootdn cn=probe,dc=test
rootpw geheim
CONF
	sed -i '/^database ldif/i moduleload back_ldif' "$at/conf"
	serve ldap slapd -d 0 -f "$at/conf" -h "ldap://127.0.0.1:$p"
	check ldap "ldap = 127.0.0.1:$p"
	check ldap-login "ldap = 127.0.0.1:$p
auth-user = cn=probe,dc=test
auth-password-file = $dir/password"
fi
if has sshd openssh-server; then
	place ssh
	ssh-keygen -q -t ed25519 -N '' -f "$at/key"
	mkdir -p /run/sshd
	serve ssh "$(command -v sshd)" -D -e -f /dev/null -h "$at/key" -p "$p" -o ListenAddress=127.0.0.1 \
		-o PidFile=none
	check ssh "ssh = 127.0.0.1:$p"
fi
if has mosquitto mosquitto; then
	place mqtt
	ws=$p
	next=$((next + 1))
	place mqtt
	cat >"$at/conf" <<CONF
allow_anonymous true
listener $p 127.0.0.1
listener $ws 127.0.0.1
protocol websockets
CONF
	serve mqtt mosquitto -c "$at/conf"
	check mqtt "mqtt = 127.0.0.1:$p"
	check websocket "websocket = 127.0.0.1:$ws/mqtt
header = Sec-WebSocket-Protocol: mqtt"
fi
if has exim4 exim4-daemon-light; then
	place smtp
	cat >"$at/conf" <<CONF
spool_directory = $at
log_file_path = $at/%slog
pid_file_path = $at/pid
begin acl
begin routers
begin transports
CONF
	chown Debian-exim "$at"
	serve smtp exim4 -C "$at/conf" -bdf -oX "127.0.0.1.$p"
	check smtp "smtp = 127.0.0.1:$p"
	check smtp-starttls "smtp = 127.0.0.1:$p
encrypt = starttls
tls-verify = no"
fi
if has dovecot dovecot-imapd; then
	place imap
	imap=$p
	next=$((next + 1))
	pop=$next
	next=$((next + 1))
	lmtp=$next
	openssl req -x509 -newkey rsa:2048 -nodes -keyout "$at/key" -out "$at/cert" -days 2 \
		-subj /CN=localhost -addext subjectAltName=DNS:localhost,IP:127.0.0.1 2>/dev/null
	cat >"$at/conf" <<CONF
base_dir = $at/run
state_dir = $at/state
log_path = $at/log
protocols = imap pop3 lmtp
ssl = yes
ssl_cert = <$at/cert
ssl_key = <$at/key
disable_plaintext_auth = no
mail_location = mbox:$at/mail
passdb {
  driver = static
  args = password=geheim
}
userdb {
  driver = static
  args = uid=nobody gid=nogroup home=$at
}
service imap-login {
  inet_listener imap {
    address = 127.0.0.1
    port = $imap
  }
  inet_listener imaps {
    port = 0
  }
}
service pop3-login {
  inet_listener pop3 {
    address = 127.0.0.1
    port = $pop
  }
  inet_listener pop3s {
    port = 0
  }
}
service lmtp {
  inet_listener lmtp {
    address = 127.0.0.1
    port = $lmtp
  }
}
CONF
	mkdir "$at/mail"
	chmod 777 "$at/mail" "$at"
	serve imap dovecot -F -c "$at/conf"
	check imap "imap = 127.0.0.1:$imap
encrypt = starttls
tls-ca  = $at/cert
auth-user = probe
auth-password-file = $dir/password
expect = days-left > 0"
	check pop3 "pop3 = 127.0.0.1:$pop
encrypt = starttls
tls-ca  = $at/cert
auth-user = probe
auth-password-file = $dir/password"
	check lmtp "lmtp = 127.0.0.1:$lmtp"
	check imap-plain "imap = 127.0.0.1:$imap"
fi
if has vsftpd vsftpd; then
	place ftp
	cat >"$at/conf" <<CONF
listen=YES
listen_address=127.0.0.1
listen_port=$p
background=NO
anonymous_enable=YES
secure_chroot_dir=/var/empty
seccomp_sandbox=NO
anon_root=$at/root
CONF
	mkdir -p "$at/root" /var/empty
	chmod 755 "$at" "$at/root"
	serve ftp vsftpd "$at/conf"
	check ftp "ftp = 127.0.0.1:$p
timeout = 5s"
fi
if has php-cgi php-cgi; then
	place fastcgi
	echo '<?php header("Status: 201 Made"); echo "alive ", $_GET["x"];' >"$at/alive.php"
	serve fastcgi php-cgi -b "127.0.0.1:$p"
	check fastcgi "fastcgi = 127.0.0.1:$p"
	check fastcgi-page "fastcgi = 127.0.0.1:$p$at/alive.php?x=7
expect = status 201, body ~ \"^alive 7$\""
fi
if has dnsmasq dnsmasq-base; then
	place dns
	long=$(printf 'x%.0s' $(seq 250))
	serve dns dnsmasq --no-daemon --port "$p" --listen-address=127.0.0.1 --bind-interfaces --conf-file=/dev/null \
		--no-resolv --no-hosts --address=/probe.test/192.0.2.7 --txt-record="big.test,$long,$long,$long"
	check dns "dns = 127.0.0.1:$p
query-name = probe.test
expect = body ~ 192.0.2.7, answers = 1"
	check dns-by-tcp "dns = 127.0.0.1:$p
query-name = big.test
query-type = TXT"
	check dns-refused "dns = 127.0.0.1:$p
query-name = nothing.test
down = 1000d"
	wrong="$wrong dns-refused=refuses"
	check udp "udp = 127.0.0.1:$p
send = \\x12\\x34\\x01\\x00\\x00\\x01\\x00\\x00\\x00\\x00\\x00\\x00\\x05probe\\x04test\\x00\\x00\\x01\\x00\\x01
expect = body ~ probe"
fi
if has chronyd chrony; then
	place ntp
	printf 'port %s\nallow\nlocal stratum 8\ncmdport 0\nbindaddress 127.0.0.1\npidfile %s\n' \
		"$p" "$at/pid" >"$at/conf"
	serve ntp chronyd -x -d -u root -f "$at/conf"
	check ntp "ntp = 127.0.0.1:$p
expect = stratum = 8, offset < 1s"
fi
openssl req -x509 -newkey rsa:2048 -nodes -keyout "$dir/key" -out "$dir/cert" -days 2 \
	-subj /CN=localhost -addext subjectAltName=DNS:localhost,IP:127.0.0.1 2>/dev/null
python=
for program in python3 /usr/bin/python3; do # Debian's modules are those of its own
	"$program" -c 'import grpc' 2>/dev/null && python=$program
done
if [ -n "$python" ]; then
	server=$MONITORD_SOURCE/test/system/grpc_server.py
	place grpc
	serve grpc "$python" "$server" health "127.0.0.1:$p"
	check grpc "grpc = 127.0.0.1:$p"
	check grpc-good "grpc = 127.0.0.1:$p/good"
	check grpc-token "grpc = 127.0.0.1:$p/token
header = x-token: t"
	check grpc-bad "grpc = 127.0.0.1:$p/bad
down = 1000d"
	check grpc-stranger "grpc = 127.0.0.1:$p/stranger
down = 1000d"
	check grpc-refused "grpc = 127.0.0.1:$p/token
down = 1000d"
	check grpc-slow "grpc = 127.0.0.1:$p/slow
timeout = 400ms
down = 1000d"
	wrong="$wrong grpc-bad=NOT_SERVING grpc-stranger=grpc-status grpc-refused=UNAUTHENTICATED"
	wrong="$wrong grpc-slow=within\\|DEADLINE_EXCEEDED" # the server was told of the limit, too
	place grpc_socket
	serve grpc_socket "$python" "$server" health "unix:$at/s"
	check grpc-socket "grpc = $at/s:/good"
	place grpc_tls
	serve grpc_tls "$python" "$server" health "127.0.0.1:$p" "$dir/key" "$dir/cert"
	check grpc-tls "grpc = 127.0.0.1:$p/good
encrypt = tls
tls-ca = $dir/cert
expect = days-left > 0"
	place grpc_none
	serve grpc_none "$python" "$server" none "127.0.0.1:$p"
	check grpc-none "grpc = 127.0.0.1:$p
down = 1000d"
	wrong="$wrong grpc-none=health"
else
	echo "skip grpc: not installed (package python3-grpcio)"
fi
if has nghttpd nghttp2-server; then
	place h2
	mkdir "$at/htdocs"
	head -c 200000 /dev/zero | tr '\0' h >"$at/htdocs/large"
	serve h2 nghttpd -a 127.0.0.1 -d "$at/htdocs" "$p" "$dir/key" "$dir/cert"
	check h2 "https = https://127.0.0.1:$p/large
tls-ca = $dir/cert
expect = status 200, bytes = 200000B, body ~ ^h+$"
	check h2-head "https = https://127.0.0.1:$p/large
method = HEAD
tls-ca = $dir/cert"
	check h2-only "https = https://127.0.0.1:$p/large
tls-ca = $dir/cert
tls-alpn = h2"
	check h2-missing "https = https://127.0.0.1:$p/missing
tls-ca = $dir/cert
down = 1000d"
	check h2-refused "https = https://127.0.0.1:$p/large
tls-ca = $dir/cert
tls-alpn = http/1.1
down = 1000d"
	wrong="$wrong h2-missing=404 h2-refused=protocols"
fi
if has haproxy haproxy; then
	place both
	cat "$dir/cert" "$dir/key" >"$at/pem"
	cat >"$at/conf" <<CONF
defaults
  mode http
  timeout client 5s
frontend both
  bind 127.0.0.1:$p ssl crt $at/pem alpn h2,http/1.1
  http-request redirect location /there code 302 if { path /moved }
  http-request return status 200 content-type text/plain lf-string "%HV %[req.body]"
CONF
	serve both haproxy -db -f "$at/conf"
	check both "https = https://127.0.0.1:$p/x
tls-ca = $dir/cert
expect = body ~ \"^HTTP/2.0 $\""
	check both-post "https = https://127.0.0.1:$p/x
method = POST
body = hello
tls-ca = $dir/cert
expect = body ~ ^HTTP/2.0"
	check both-moved "https = https://127.0.0.1:$p/moved
redirects = 1
tls-ca = $dir/cert
expect = body ~ ^HTTP/2.0"
	check both-older "https = https://127.0.0.1:$p/x
tls-ca = $dir/cert
tls-alpn = http/1.1
expect = body ~ ^HTTP/1.1"
fi
check ping "ping = 127.0.0.1
expect = loss = 0%, rtt < 500ms"

"$build/monitord/monitord" -t -c "$rules" || exit 1
world_daemon
for i in $(seq 300); do
	[ "$(ctl status --json 2>/dev/null | grep -o '"kind":"[a-z0-9]*","of":[^,]*,"state":"up"' | wc -l)" -ge \
		"$(($(grep -c '^\[check' "$rules") - $(wc -w <<<"$wrong")))" ] && break
	sleep 0.1
done
ctl status
for c in $(sed -n 's/^\[check \(.*\)\]/\1/p' "$rules"); do
	state=$(ctl status "$c" --json | grep -o '"state":"[a-z]*"' | head -n 1)
	expected=$(tr ' ' '\n' <<<"$wrong" | sed -n "s/^$c=//p")
	if [ -n "$expected" ]; then
		ctl status "$c" --json | grep -q "$expected" && ok "$c says $expected" || bad "$c does not say $expected"
	elif [ "$state" = '"state":"up"' ]; then
		ok "$c $(ctl status "$c" --json | grep -o '"metrics":{[^}]*}')"
	else
		bad "$c is $state: $(ctl status "$c" --json | grep -o '"error":"[^"]*"')"
	fi
done
[ "$failures" -eq 0 ] || { for t in $tested; do tail -n 5 "$dir/$t.out"; done; finish; }

# a few: monitord suspects itself when all that it sees fails
echo "# servers go, one after the other"
for t in dns ntp redis pgsql mqtt; do
	[[ " $tested " == *" $t "* ]] || continue
	mark
	fault_ms=$(now)
	eval "kill \$pid_$t"
	wants check-down "$t" 15
done
finish
