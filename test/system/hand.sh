#!/bin/bash
# `monitorctl check`: one check by hand, of each sort, without a daemon: phases, bytes, tests,
# exit codes; credentials are not shown.
. "${MONITORD_SOURCE:?}/test/system/wait.sh"
build=${MONITORD_BUILD:?}
dir=$(mktemp -d "${TMPDIR:-/tmp}"/mhand.XXXXXX) || exit 1
chmod 755 "$dir" # root's checks have the rights of the probes
servers=
trap '[ -n "$servers" ] && kill $servers 2>/dev/null; rm -rf "$dir"' EXIT
trap 'exit 130' INT TERM
"$build/test/system/mischief" "$dir" >"$dir/served" 2>&1 &
servers=$!
for _ in $(seq 100); do grep -q ready "$dir/served" && break; sleep 0.1; done
grep -q ready "$dir/served" || { bad "no servers: $(cat "$dir/served")"; finish; }
port() { awk -v n="$1" '$1 == n { print $2 }' "$dir/ports"; }
# datagrams are lost on their way: the first so many of each client
python3 - "$dir" >"$dir/datagrams" 2>&1 <<'PY' &
import os, socket, struct, sys, threading, time
def serve(name, lose, answer):
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.bind(("127.0.0.1", 0))
    seen = {}
    def run():
        while True:
            data, peer = s.recvfrom(4096)
            seen[peer] = seen.get(peer, 0) + 1
            if seen[peer] > lose:
                s.sendto(answer(data), peer)
    threading.Thread(target=run, daemon=True).start()
    return "%s %d" % (name, s.getsockname()[1])
def ntp(data):
    now = time.time() + 2208988800
    stamp = struct.pack(">II", int(now), int(now % 1 * 2 ** 32))
    return b"\x24\x02\0\0" + bytes(20) + data[40:48] + stamp + stamp
rows = [serve("lossy", 2, lambda d: b"pong " + d), serve("deaf", 99, lambda d: d),
        serve("clock", 2, ntp)]
with open(sys.argv[1] + "/lossy.new", "w") as f:
    f.write("\n".join(rows) + "\n")
os.rename(sys.argv[1] + "/lossy.new", sys.argv[1] + "/lossy")
time.sleep(120)
PY
servers="$servers $!"
for _ in $(seq 100); do [ -e "$dir/lossy" ] && break; sleep 0.1; done
lossy() { awk -v n="$1" '$1 == n { print $2 }' "$dir/lossy"; }
echo top-secret >"$dir/password"
cat >>"$dir/checks.ini" <<RULES
[check login]
http = http://127.0.0.1:$(port ok)/
auth-user = me
auth-password-file = $dir/password

[check stored]
redis = 127.0.0.1:$(port ok)
auth-password-file = $dir/password

[check lossy]
udp     = 127.0.0.1:$(lossy lossy)
send    = ping
expect  = body ~ pong
timeout = 2s

[check deaf]
udp     = 127.0.0.1:$(lossy deaf)
send    = ping
expect  = body ~ pong
timeout = 400ms

[check clock]
ntp     = 127.0.0.1:$(lossy clock)
expect  = stratum = 2, offset < 200ms
timeout = 2s

[check there]
file   = $dir/password
expect = size < 1K, mode = 644
warn   = size > 1B

[check plugin]
script = $dir/plugin a b
expect = body ~ "b$", bytes < 1K

[check plugin-bad]
script = $dir/plugin

[check socket]
unix = $dir/nobody
RULES
cat >"$dir/plugin" <<'PLUGIN'
#!/bin/sh
echo "PLUGIN $*"
[ $# -eq 2 ]
exit $(($? * 2))
PLUGIN
chmod 755 "$dir/plugin"
chmod 600 "$dir/password"
python3 - "$dir/mute" <<'PY' &
import socket, sys, time
s = socket.socket()
s.bind(("127.0.0.1", 0))
s.listen()
with open(sys.argv[1], "w") as f:
    print(s.getsockname()[1], file=f)
time.sleep(120)
PY
servers="$servers $!"
for _ in $(seq 100); do [ -s "$dir/mute" ] && break; sleep 0.1; done
cat >>"$dir/checks.ini" <<RULES

[check who]
script = /usr/bin/id

[check mute]
http    = http://127.0.0.1:$(cat "$dir/mute")/
auth-user = me
auth-password-file = $dir/password
timeout = 10s
RULES

# try CHECK EXIT WORDS...: it ends so, and says these
try() {
	local name=$1 code=$2 word
	"$build/monitorctl" check "$dir/checks.ini" "$name" >"$dir/out" 2>&1
	local is=$?
	[ "$is" = "$code" ] && ok "$name ends with $code" || bad "$name ended with $is, not $code: $(cat "$dir/out")"
	for word in "${@:3}"; do
		grep -qF -- "$word" "$dir/out" && ok "$name: $word" || bad "$name lacks '$word': $(cat "$dir/out")"
	done
}
try ok 0 connect connected 'GET /x HTTP/1.1\r\n' 'first bytes: 43' 'expect body ~ hello: holds' 'status = 200'
try ok-slow-warned 0 'warn latency > 250 ms: WARNS' degraded
try body-other 3 'expect body ~ hello: FAILS'
try refused 3 'Connection refused'
try nul-in-header 3 'X: a\x00b'
try tls 0 'TLS handshake' 'TLSv1.3' 'days-left ='
try tls-expired 3 'has expired'
try starttls 0 'STARTTLS\r\n' 'TLSv1.3' '250 safe\r\n'
try redirect-loop 3 'GET /y' 'more than 3 redirects'
try login 0 '(hidden)'
grep -q dG9w "$dir/out" && bad "the password is shown" || ok "the password is not shown"
try stored 3 'AUTH\r\n' '(hidden)'
grep -q top-secret "$dir/out" && bad "redis' password is shown" || ok "redis' password is not shown"
try lossy 0 up 'pong ping'
[ "$(grep -c 'sent 4 bytes' "$dir/out")" -eq 3 ] && ok "sent three times" || bad "not sent three times: $(cat "$dir/out")"
try deaf 3 'no answer from'
try clock 0 'stratum = 2'
try there 3 'size = 11' 'expect size < 1024B: holds (size 11B)' 'expect mode = 644: FAILS (mode 600)' 'warn size > 1B: WARNS'
try plugin 0 up 'expect body ~ b$: holds' 'expect bytes < 1024B: holds'
try plugin-bad 3 'down: PLUGIN'
try socket 3 'No such file'
if [ "$(id -u)" -eq 0 ]; then # as when monitord has it done
	try who 0 up
	grep -q 'uid=0' "$dir/out" && bad "a script runs as root: $(cat "$dir/out")" || ok "no script runs as root"
	"$build/monitorctl" check "$dir/checks.ini" mute >"$dir/out" 2>&1 &
	hand=$!
	for _ in $(seq 100); do grep -q 'sent ' "$dir/out" && break; sleep 0.05; done
	uids=$(awk '/^Uid:/ { print $2 $3 $4 $5 }' "/proc/$hand/status")
	[ -n "$uids" ] && [ "$uids" != 0000 ] && grep -q 'sent ' "$dir/out" && ok "an answer is not read as root" || bad "uids are $uids: $(cat "$dir/out")"
	kill "$hand"
	wait "$hand" 2>/dev/null
fi
try nothing 4 "no check 'nothing'"
echo '[check x' >>"$dir/checks.ini"
try ok 2 "checks.ini:"
finish
