#!/bin/bash
# monitorctl: exit codes, JSON, colours, the full screen, and completion in shells.
python3 -c "import json, pty" 2>/dev/null || { echo "python3 with its library is not installed"; exit 77; }
. "${MONITORD_SOURCE:?}/test/system/world.sh"
source=$MONITORD_SOURCE
world_rules "
[chain web]
path = front -> primary

[check host]
system = yes
every  = 1s"
pair="
[service pair]
instances = 1..2
run    = /bin/sleep 60.$$
groups = both
"
exits() { # CODE COMMAND...
	local want=$1 got
	shift
	"$@" >"$dir/out" 2>"$dir/err"
	got=$?
	[ "$got" -eq "$want" ] && ok "$want: ${*#$build/}" || bad "${*#$build/}: ended with $got, expected $want: $(cat "$dir/out" "$dir/err")"
}
is_json() { # PATTERN: of what the last command printed
	python3 -c 'import json, sys
for line in open(sys.argv[1]): json.loads(line)' "$dir/out" && grep -qE "$1" "$dir/out" && ok "JSON with $1" || bad "no JSON with $1: $(cat "$dir/out")"
}
exits 1 ctl status
grep -q 'no daemon answers' "$dir/err" && ok "and says so" || bad "$(cat "$dir/err")"
world_begin

echo "# exit codes"
exits 0 ctl status
exits 4 ctl status nobody
exits 2 ctl
exits 2 ctl fly
exits 2 ctl status --nothing
exits 2 ctl start
exits 4 ctl restart nobody
exits 0 ctl stop secondary
exits 0 ctl stop secondary
exits 0 ctl start secondary --wait
exits 2 ctl start secondary --timeout 1
exits 0 ctl hold primary --no-wait
for _ in $(seq 50); do ctl status primary | grep -q held && break; sleep 0.1; done
exits 0 ctl release primary
exits 4 ctl reroute nowhere
exits 4 ctl reroute site nobody
exits 0 ctl reload
cp "$dir/monitord.ini" "$dir/good.ini"
printf 'one = 1\ntwo = 2\n' >>"$dir/monitord.ini"
exits 3 ctl reload
grep -qE "no key 'one'.*; .*: .*no key 'two'" "$dir/err" && ok "both mistakes, parted" || bad "$(cat "$dir/err")"
mv "$dir/good.ini" "$dir/monitord.ini"
exits 0 ctl reload
exits 0 ctl incidents --all
if [ "$(id -u)" -eq 0 ] && command -v setpriv >/dev/null; then
	chmod 711 "$dir" "$dir/run"
	exits 5 setpriv --reuid 65534 --regid 65534 --clear-groups "$build/monitorctl" -s "$sock" status
fi

echo "# tests of contacts"
exits 4 ctl test nobody
exits 0 ctl test ops
before=$(mails)
exits 0 ctl test ops --no-wait
await 10 eval '[ "$(mails)" -gt "$before" ]' && ok "sent though nobody waits" || bad "not sent"
# alerts dies with one under way: who waits is answered, not left
kill -STOP "$(helper_pid monitord-alerts)"
ctl test ops >"$dir/out" 2>&1 &
asker=$!
sleep 0.5
kill -KILL "$(helper_pid monitord-alerts)"
await 10 not_there "$asker" || bad "who waits for a test is left waiting"
wait "$asker"
[ $? -eq 3 ] && grep -q 'alerts was lost' "$dir/out" && ok "lost: $(cat "$dir/out")" || bad "$(cat "$dir/out")"
exits 0 ctl test ops
kill -TERM "$daemon"
wait "$daemon"
world_daemon
await 10 answers
exits 0 ctl test ops # alerts is only beginning
await_up 20

echo "# requests"
cat >"$dir/raw.py" <<'PY'
import socket, sys
def ask(text):
    s = socket.socket(socket.AF_UNIX)
    s.settimeout(10)
    s.connect(sys.argv[1])
    s.sendall(text)
    got = b""
    try:
        while chunk := s.recv(65536):
            got += chunk
    except OSError as error:
        return str(error)
    return got.decode(errors="replace")
def post(path, body):
    return ask(b"POST %s HTTP/1.1\r\nHost: m\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%s" % (path, len(body), body))
def get(path):
    return ask(b"GET %s HTTP/1.1\r\nHost: m\r\nConnection: close\r\n\r\n" % path)
hold = b"POST /v1/services/nobody/hold HTTP/1.1\r\nHost: m\r\n"
def framed(head):
    """Two requests, if the head is taken for one without a body: the second must not be read."""
    return ask(hold + head + b"\r\n\r\n0\r\n\r\nGET /v1/status HTTP/1.1\r\nHost: m\r\nConnection: close\r\n\r\n")
def refused(name, head, code, words):
    got = framed(head)
    return (name, got if got.count("HTTP/1.1") == 1 else "another request was read: " + got, [code, words, "Connection: close"])
rows = [
    refused("two lengths", b"Content-Length: 0\r\nContent-Length: 90", "400", "more than one Content-Length"),
    refused("a length and chunks", b"Content-Length: 0\r\nTransfer-Encoding: chunked", "400", "more than one length"),
    refused("two codings", b"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity", "400", "more than one length"),
    refused("an unknown coding", b"Transfer-Encoding: gzip", "501", "but chunked"),
    refused("a coding that reads like chunked", b"Transfer-Encoding: xchunked", "501", "but chunked"),
    refused("two hosts", b"Host: n\r\nContent-Length: 0", "400", "more than one Host"),
    refused("a blank before the colon", b"Content-Length : 0", "400", "a header that is none"),
    refused("a large body, before it comes", b"Content-Length: 1073741824", "413", "larger than 64 KiB"),
    ("a NUL in the address", get(b"/v1/services/front\0x"), ["400", "a NUL in the address"]),
    ("one behind it", get(b"/v1/status\0"), ["400", "a NUL in the address"]),
    ("a space", get(b"/v1/services/front "), ["404", "no such service"]),
    ("5,000 arguments", get(b"/v1/events?" + b"&".join(b"a=1" for _ in range(5000))), ["400", "too many arguments"]),
    ("a few", get(b"/v1/events?a=1&b=2&since=1"), ["200", "nosniff"]),
    ("an unknown field", post(b"/v1/routes/site/reroute", b'{"too":"primary"}'), ["400", 'no such field here: too; there is \\"to\\", \\"for\\"']),
    ("one that another verb has", post(b"/v1/services/front/restart", b'{"for":"1h"}'), ["400", "no such field here: for"]),
    ("no object", post(b"/v1/services/front/hold", b'["for"]'), ["400", "no JSON object"]),
    ("no such incident", post(b"/v1/incidents/999999/ack", b'{"who":"me"}'), ["404", "no such incident"]),
]
for name, got, want in rows:
    good = all(w in got for w in want)
    print("ok  " if good else "FAIL", name, "" if good else repr(got))
sys.exit(any(not all(w in got for w in want) for _, got, want in rows))
PY
python3 "$dir/raw.py" "$sock" || bad "requests"
exits 4 ctl ack 999999

echo "# JSON"
exits 0 ctl status --json
is_json '"services"'
exits 0 ctl restart secondary --json
is_json '"command":"restart","name":"secondary","ok":true'
exits 4 ctl reroute nowhere --json
is_json '"error"'
exits 0 ctl incidents --json
is_json '^\['
exits 0 ctl events --json
is_json '"kind":"service-up"'
exits 0 ctl graph host --json
is_json '"metrics"'
exits 0 ctl graph host load1 --since 5m --json
is_json '"values"'
exits 0 ctl availability primary --json
is_json '"availability_percent"'
exits 0 ctl names services
[ "$(sort "$dir/out" | tr '\n' ' ')" = "front primary secondary " ] && ok "names" || bad "$(cat "$dir/out")"
await_up 10

echo "# colours and the screen"
exits 0 ctl status
grep -q $'\033' "$dir/out" && bad "colours in a file" || ok "none in a file"
on_terminal() { python3 "$source/test/system/terminal.py" "$@" >"$dir/out" 2>"$dir/err"; }
on_terminal "" "$build/monitorctl" -s "$sock" status
grep -q $'\033\[32m' "$dir/out" && ok "colours on a terminal" || bad "no colours on a terminal"
NO_COLOR=1 on_terminal "" "$build/monitorctl" -s "$sock" status
grep -q $'\033' "$dir/out" && bad "colours in spite of NO_COLOR" || ok "none with NO_COLOR"
if on_terminal "sfjkq" "$build/monitorctl" -s "$sock" top; then ok "top ends with q"; else bad "top: $? $(cat "$dir/err")"; fi
grep -q $'\033\[?1049h' "$dir/out" && grep -q $'\033\[?1049l' "$dir/out" && ok "and gives the screen back" || bad "the screen is lost"
for word in primary 'all is well' 'sorted by name' 'what is not well'; do
	grep -q "$word" "$dir/out" && ok "top shows: $word" || bad "top does not show: $word"
done
exits 2 ctl top
for _ in $(seq 150); do ctl graph host load1 --since 5m | grep -q lowest && break; sleep 0.1; done # a sample each 10 s
LC_ALL=C.UTF-8 exits 0 ctl graph host load1 --since 5m
grep -q '┤' "$dir/out" && ok "drawn in UTF-8" || bad "$(cat "$dir/out")"
LC_ALL=C exits 0 ctl graph host load1 --since 5m
LC_ALL=C grep -qP '[^\x00-\x7f]' "$dir/out" && bad "no ASCII" || ok "and in ASCII"

echo "# completion"
cp "$dir/monitord.ini" "$dir/good.ini"
echo "$pair" >>"$dir/monitord.ini"
exits 0 ctl reload
await_up 10
complete_line() { # WORDS...: what bash would offer
	PATH=$build:$PATH bash -c 'source "$1/completions/monitorctl.bash"; shift
		COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _monitorctl; echo "${COMPREPLY[*]}"' x "$source" "$@"
}
while read -r want line; do
	# shellcheck disable=SC2086
	got=$(complete_line monitorctl -s "$sock" $line)
	[ "$(tr " " "\n" <<<"$got" | sort | xargs)" = "$(tr , "\n" <<<"$want" | sort | xargs)" ] && ok "$line: $got" || bad "$line: got '$got', expected '$want'"
done <<'ROWS'
status,start,stop st
primary restart pri
web start w
all start al
site reroute s
secondary reroute site sec
--json status --j
host graph h
ops test o
pair,pair-1,pair-2 status pa
pair,pair-1,pair-2 restart pa
@both hold @
ROWS
for shell in zsh fish; do
	file=$source/completions/$([ $shell = zsh ] && echo _monitorctl || echo monitorctl.fish)
	command -v $shell >/dev/null || { echo "# $shell is not installed: not tried"; continue; }
	$shell -n "$file" && ok "$shell reads it" || bad "$shell does not read it"
done
exits 0 ctl names groups
[ "$(cat "$dir/out")" = @both ] && ok "a group" || bad "$(cat "$dir/out")"
exits 0 ctl names families
[ "$(cat "$dir/out")" = pair ] && ok "a family" || bad "$(cat "$dir/out")"
exits 2 ctl names nothing
finish
