#!/bin/bash
# Every way in which a start can be refused is told in words, with the system's own reason, as an
# event, an answer to the command, and the state of the service; and nothing is left of it.
. "${MONITORD_SOURCE:?}/test/system/world.sh"
puppet=$build/test/system/puppet
mkdir "$dir/folder"
printf '#!/no/such/interpreter\n' >"$dir/script"
printf 'neither a program nor a script\n' >"$dir/garbage"
cp "$puppet" "$dir/plain"
cp "$puppet" "$dir/busy"
ln -s "$dir/loop" "$dir/loop"
printf 'no equals sign\n' >"$dir/bad.env"
printf 'A=b\n' >"$dir/open.env"
chmod 755 "$dir/script" "$dir/garbage" "$dir/busy"
chmod 644 "$dir/plain"
chmod 600 "$dir/bad.env"
chmod 666 "$dir/open.env"
# name | what its section says | what is told
table="
missing|run = /no/such/program|running /no/such/program: No such file or directory
plain|run = $dir/plain|running $dir/plain: Permission denied
directory|run = $dir/folder|running $dir/folder: Permission denied
beneath|run = $dir/script/x|running $dir/script/x: Not a directory
loop|run = $dir/loop|running $dir/loop: Too many levels of symbolic links
interpreter|run = $dir/script|the interpreter of $dir/script: No such file or directory
garbage|run = $dir/garbage|running $dir/garbage: Exec format error
busy|run = $dir/busy wait|running $dir/busy: Text file busy
no-dir|run = /bin/true; dir = /no/such/folder|the folder (dir) of /bin/true: No such file or directory
dir-file|run = /bin/true; dir = $dir/garbage|the folder (dir) of /bin/true: Not a directory
no-env|run = /bin/true; env-file = /no/such.env|the env-file of /bin/true: No such file or directory
bad-env|run = /bin/true; env-file = $dir/bad.env|the env-file of /bin/true: Invalid argument
open-env|run = /bin/true; env-file = $dir/open.env|the env-file of /bin/true: Operation not permitted
no-log|run = /bin/true; log = /no/such/log|log /no/such/log: No such file or directory
log-folder|run = /bin/true; log = $dir/folder|log $dir/folder: Is a directory
"
[ "$(id -u)" -eq 0 ] && table="$table
no-user|run = /bin/true; user = nosuchuser|no such user: nosuchuser
no-group|run = /bin/true; group = nosuchgroup|no such group
closed-dir|run = /bin/true; user = nobody; dir = $dir/closed|the folder (dir) of /bin/true: Permission denied
closed|run = $dir/closed/puppet; user = nobody|running $dir/closed/puppet: Permission denied
"
mkdir -m 700 "$dir/closed"
cp "$puppet" "$dir/closed/puppet"
{
	printf '[monitord]\nsocket = %s\nstate = %s/state\nhelpers = %s\n\n' "$sock" "$dir" "$build"
	while IFS='|' read -r name section _; do
		[ -n "$name" ] && printf '[service %s]\n%s\nbackoff = 1h..1h\n\n' "$name" "${section//; /$'\n'}"
	done <<<"$table"
} >"$rules"
world_daemon
exec 7>>"$dir/busy" # somebody writes to it
for _ in $(seq 100); do ctl status >/dev/null 2>&1; [ $? -ne 1 ] && break; sleep 0.05; done
descriptors() { find "/proc/$daemon/fd" -mindepth 1 | wc -l; }
before=$(descriptors)
while IFS='|' read -r name _ words; do
	[ -n "$name" ] || continue
	answer=$("$build/monitorctl" -s "$sock" start "$name" 2>&1)
	code=$?
	event=$(ctl events --json --since 0 | grep -F '"kind":"start-failed"' | grep -F "\"object\":\"$name\"" | tail -n 1)
	for _ in $(seq 100); do # by command it is forgiven, and tried twice
		state=$(ctl status "$name" --json | grep -oE '"state":"[a-z]+"' | head -n 1)
		[ "$state" = '"state":"backoff"' ] && break
		sleep 0.05
	done
	if [ "$code" -eq 3 ] && [[ $answer == *"$words"* && $event == *"$words"* ]] && [ "$state" = '"state":"backoff"' ]; then
		ok "$name: $words"
	else
		bad "$name: exit $code, $state, answer: $answer, event: $event"
	fi
done <<<"$table"
after=$(descriptors)
[ "$after" -le $((before + 2)) ] && ok "no descriptor is left: $before, $after" || bad "descriptors: $before, $after"
[ ! -s "$dir/run/cgroup" ] || left=$(find "$(cat "$dir/run/cgroup")" -maxdepth 1 -name 'svc-*' | wc -l)
[ "${left:-0}" -eq 0 ] && ok "no group is left" || bad "$left groups are left"

echo "# a port that somebody else listens on"
"$puppet" bind $((port + 6)) sleep 600000 &
stranger=$!
kids="$kids $stranger"
cat >>"$rules" <<RULES
[service server]
run     = $puppet bind $((port + 6)) sleep 4000000
ready   = check server-port within 10s
backoff = 100ms..200ms
[check server-port]
of     = server
listen = tcp 127.0.0.1:$((port + 6))
every  = 200ms
RULES
taken() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }
for _ in $(seq 100); do taken $((port + 6)) && break; sleep 0.05; done
ctl reload >/dev/null || bad "reload"
said() { ctl explain server | grep -q "port 127.0.0.1:$((port + 6)) is still taken, by process $stranger (puppet)"; }
for _ in $(seq 100); do said && break; sleep 0.05; done
said && ok "it waits, and names who: process $stranger" || bad "$(ctl explain server)"
kill "$stranger"
for _ in $(seq 100); do ctl status server --json | grep -q '"state":"up"' && break; sleep 0.1; done
ctl status server --json | grep -q '"state":"up"' && ok "it runs once the port is free" || bad "$(ctl explain server)"
ctl restart server >/dev/null && ok "and is restarted on its own" || bad "$(ctl explain server)"
ctl stop server >/dev/null

echo "# a port where it listened itself, as an http check of it says, and one of another's"
"$demo" backend front $((port + 8)) >/dev/null 2>&1 7>&- &
kids="$kids $!"
cat >>"$rules" <<RULES
[service web]
run     = $demo backend web $((port + 7))
backoff = 100ms..200ms
[check web-http]
of    = web
http  = http://127.0.0.1:$((port + 7))/health
every = 200ms
[check web-through]
of    = web
http  = http://127.0.0.1:$((port + 8))/health
every = 200ms
RULES
ctl reload >/dev/null || bad "reload"
await 20 is web up && ctl stop web >/dev/null || bad "$(ctl explain web)"
"$puppet" bind $((port + 7)) sleep 600000 &
stranger=$!
kids="$kids $stranger"
for _ in $(seq 100); do taken $((port + 7)) && break; sleep 0.05; done
ctl start web --no-wait >/dev/null
said() { ctl explain web | grep -q "port 127.0.0.1:$((port + 7)) is still taken, by process $stranger (puppet)"; }
await 5 said && ok "it waits, and names who: process $stranger" || bad "$(ctl explain web)"
kill "$stranger"
await 10 is web up && ctl restart web >/dev/null && ok "the front's port is not its own" || bad "$(ctl explain web)"
ctl stop web >/dev/null

echo "# what was in the way is gone"
exec 7>&-
ctl start busy >/dev/null && [ -n "$(pid_of busy)" ] && ok "it runs" || bad "$(ctl explain busy)"

echo "# its program is gone when it dies: no pipe tells of that exec"
mark
chmod 644 "$dir/busy"
kill -KILL "$(pid_of busy)"
event start-failed busy 10 && grep -qF "running $dir/busy: Permission denied" <<<"$event" &&
	ok "its start failed: permission denied" || bad "$(ctl explain busy)"
[ "$(count_events service-started)" -eq 0 ] && ok "nothing says that it began" || bad "$(ctl events --since "$last")"
ctl stop busy >/dev/null
echo "# an address that somebody else listens on is tried again"
web=$((port + 9))
"$puppet" bind "$web" sleep 600000 &
stranger=$!
kids="$kids $stranger"
for _ in $(seq 100); do taken "$web" && break; sleep 0.05; done
mark
sed -i "0,/^socket /s//http = 127.0.0.1:$web\n&/" "$rules"
ctl reload >/dev/null || bad "reload"
event listener-failed "" 10 && grep -qF "127.0.0.1:$web: no client is served there yet: Address already in use" <<<"$event" &&
	ok "it is told" || bad "$(ctl events --since "$last")"
kill "$stranger"
wait "$stranger" 2>/dev/null
event listener-open "" 20 && taken "$web" && ok "clients come in once it is free" || bad "$(ctl events --since "$last")"
[ "$(count_events listener-failed)" -eq 1 ] && [ "$(count_events helper-lost)" -eq 0 ] &&
	ok "once, and no helper was lost" || bad "$(ctl events --since "$last")"

kill -TERM "$daemon"
wait "$daemon" 2>/dev/null
daemon=

echo "# what lies at the socket's path, and is none"
echo precious >"$dir/run/precious"
sed "s,^socket .*,socket = $dir/run/precious," "$rules" >"$dir/precious.ini"
out=$(timeout 10 "$build/monitord/monitord" -c "$dir/precious.ini" 2>&1)
code=$?
[ "$code" -eq 1 ] && grep -q "socket $dir/run/precious: something else has that name" <<<"$out" &&
	[ "$(cat "$dir/run/precious")" = precious ] && ok "it does not begin, and the file is whole" ||
	bad "exit code $code, $out: $(cat "$dir/run/precious")"

if [ "$(id -u)" -eq 0 ]; then
	echo "# a folder that others may change"
	mkdir -p "$dir/theirs/state"
	chown 65534 "$dir/theirs"
	out=$(sed "s,^state .*,state = $dir/theirs/state," "$rules" >"$dir/theirs.ini"
		timeout 10 "$build/monitord/monitord" -c "$dir/theirs.ini" 2>&1)
	code=$?
	[ "$code" -eq 1 ] && grep -q "theirs/state: others than root may change what is in $dir/theirs" <<<"$out" &&
		ok "below a folder of somebody else: it does not begin" || bad "exit code $code, $out"
	for folder in run state; do
		for how in "chmod 777" "chown 65534"; do
			$how "$dir/$folder"
			out=$(timeout 10 "$build/monitord/monitord" -c "$rules" 2>&1)
			code=$?
			chmod 755 "$dir/$folder"
			chown 0 "$dir/$folder"
			[ "$code" -eq 1 ] && grep -q "folder $dir/$folder: others than root may change" <<<"$out" &&
				ok "$folder, $how: it does not begin" || bad "$folder, $how: exit code $code, $out"
		done
	done
fi
finish
