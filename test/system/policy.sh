#!/bin/bash
# Instances one after the other, giving up that outlives monitord, holds that end, who stops last.
. "${MONITORD_SOURCE:?}/test/system/world.sh"
world_rules "
[service twin]
instances = 1..2
run       = /bin/sleep 600
ready     = after 200ms

[service weak]
run     = /bin/false
backoff = 10ms..20ms
at-most = 2 in 1h

[service below]
run = /bin/sleep 600

[service above]
run     = /bin/sleep 600
depends = below"
touch "$dir/active"
world_daemon
last=0
fault_ms=$(now)
wants service-failed weak 10
wants service-up twin-2 10
wants service-up above 10

echo "# a family is restarted in turn"
mark
ctl restart twin-1 --no-wait >/dev/null
ctl restart twin-2 >/dev/null && ok "both are restarted" || bad "$(ctl status twin)"
wants service-waits twin-2 5
order=$(ctl events --json --since "$last" | grep -E '"kind":"service-(up|stopping)"' |
	sed -E 's/.*"kind":"([^"]*)".*"object":"([^"]*)".*/\1:\2/' | tr '\n' ' ')
[ "$order" = "service-stopping:twin-1 service-up:twin-1 service-stopping:twin-2 service-up:twin-2 " ] &&
	ok "one after the other" || bad "order: $order"

echo "# a hold ends by itself"
mark
ctl hold twin-1 --for 1s >/dev/null || bad "hold --for is refused"
wants service-released twin-1 10

echo "# our own death does not take up what had failed"
mark
kill -KILL "$daemon"
wait "$daemon" 2>/dev/null
world_daemon
for _ in $(seq 100); do ctl status weak 2>/dev/null | grep -qw failed && break; sleep 0.1; done
ctl status weak | grep -qw failed && ok "failed still" || bad "$(ctl explain weak)"
ctl events --json --since "$last" | grep -F '"service-starting"' | grep -qF '"weak"' &&
	bad "it was started again" || ok "and was not started"

echo "# all are stopped, who is needed last"
mark
ctl stop all >/dev/null || bad "stop all"
order=$(ctl events --json --since "$last" | grep -F '"kind":"service-stopped"' |
	sed -E 's/.*"object":"([^"]*)".*/\1/' | grep -xE 'above|below' | tr '\n' ' ')
[ "$order" = "above below " ] && ok "above, then below" || bad "order: $order"
finish
