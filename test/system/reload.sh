#!/bin/bash
# A reload with 100 exchanges, a mail and a drain in flight: what did not change goes on; no
# false verdict, no restart, nothing told twice.
. "${MONITORD_SOURCE:?}/test/system/world.sh"
slow=
for i in $(seq 100); do
	slow="$slow
[check slow-$i]
http    = http://127.0.0.1:$hung/
every   = 3s
timeout = 2500ms
down    = 20
"
done
world_rules "$slow"
# accepts, answers after 2 s: each exchange is long under way when the rules change
python3 - "$hung" >/dev/null 2>&1 <<'EOS' &
import socket, sys, threading, time
listener = socket.create_server(("127.0.0.1", int(sys.argv[1])), backlog=512)
end = time.time() + 120
def answer(c):
	try:
		c.recv(4096)
		time.sleep(2)
		c.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
		c.close()
	except OSError:
		pass
listener.settimeout(1)
while time.time() < end:
	try:
		c, _ = listener.accept()
	except OSError:
		continue
	threading.Thread(target=answer, args=(c,), daemon=True).start()
EOS
kids="$kids $!"
world_begin
mark
pids="$(pid_of front) $(pid_of primary) $(pid_of secondary)"

echo "# a mail in flight: the sink hangs, the secondary dies"
kill -STOP "$sink"
fault_ms=$(now)
kill -KILL "$(pid_of secondary)"
wants incident-open secondary 10
pids="$(pid_of front) $(pid_of primary) $(pid_of secondary)"
sleep 1
mark
fault_ms=$(now)

echo "# a drain in flight, and five reloads"
ctl restart primary --no-wait >/dev/null || bad "restart"
for i in 1 2 3 4 5; do
	printf '\n[check extra-%d]\ntcp = 127.0.0.1:%d\n' "$i" "$front" >>"$rules"
	ctl reload >/dev/null || bad "reload $i"
done
wants service-up primary 10
kill -CONT "$sink"
await_up 20 || bad "not well again"
sleep 4
[ "$(count_events service-stopping)" -eq 1 ] && ok "one restart" ||
	bad "$(count_events service-stopping) restarts"
[ "$(awk '{ print $1, $3 }' <<<"$pids")" = "$(pid_of front) $(pid_of secondary)" ] &&
	ok "nobody else was restarted" || bad "pids were $pids"
[ "$(count_events check-down)" -eq 0 ] && ok "no false verdict" || bad "$(count_events check-down) verdicts"
ctl status extra-5 >/dev/null && ok "the new check is up" || bad "$(ctl status extra-5)"
up=$(ctl status --json | grep -o '"name":"slow-[0-9]*","kind":"http","of":null,"state":"up"' | wc -l)
[ "$up" -eq 100 ] && ok "100 slow exchanges went on" || bad "$up of 100 slow checks are up"
for _ in $(seq 400); do [ "$(mails)" -ge 2 ] && break; sleep 0.1; done
[ "$(mails)" -eq 2 ] && ok "two mails" || bad "$(mails) mails"
[ "$(grep '^Message-ID: ' "$dir/mailbox" | sort -u | wc -l)" -eq "$(mails)" ] && ok "none twice" ||
	bad "a mail came twice"

echo "# a rule in the middle of its actions, and others before it since"
cp "$rules" "$dir/without"
mark
fault_ms=$(now)
cat >>"$rules" <<RULES

[check never]
script = /bin/sh -c "exit 2"
down   = 1
[rule zeal]
when   = never.down
do     = run /bin/sh -c "sleep 2; exit 7", run /bin/sh -c "exit 8"
RULES
ctl reload >/dev/null || bad "reload"
wants rule-fired zeal 10
sed 's/^\[rule zeal\]/[rule early]\nwhen = never.down\ndo = log\ncooldown = 1h\n&/' "$rules" >"$rules.new" && mv "$rules.new" "$rules"
ctl reload >/dev/null || bad "reload"
zeal() { ctl events --json --since "$last" | grep -F '"object":"zeal"' | grep -cE "exit code $1"; }
await 10 eval '[ "$(zeal 8)" -eq 1 ]' && [ "$(zeal 7)" -eq 1 ] && ok "it goes on" ||
	bad "$(ctl events --since "$last")"
mark
sed -i 's/^cooldown = 1h/cooldown = 2h/; s/exit 8/exit 9/; s/when   = never.down/&\ncooldown = 1s/' "$rules"
ctl reload >/dev/null || bad "reload"
wants rule-fired zeal 10
cp "$dir/without" "$rules"
ctl reload >/dev/null || bad "reload"
event action-skipped monitord 5 && grep -q 'rule zeal .*no section any more: run /bin/sh' <<<"$event" &&
	ok "what is cut off is told" || bad "$(ctl events --since "$last")"
finish
