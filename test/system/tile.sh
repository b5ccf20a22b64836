#!/bin/bash
# The tile chain (Varnish, Apache, Tomcat) under monitord with 200 requests/s: the faults of
# examples/tile.ini's world, and what must happen.
. "${MONITORD_SOURCE:?}/test/system/chain.sh"
chain_begin tile "$source/examples/tile.ini" 23000
echo "# all up"

echo "# kill -9 Apache, all its processes"
sent=$(mails)
load_begin 200 12
sleep 1
fault kill9 apache
wants service-exited apache 5
wants route-moved tile 5
wants service-up apache 20
wants route-restored tile 20
load_end
# Varnish alone needs 2.7 s; test/bench/chains.sh compares the two in one run
[ "${window:-9999}" -le 1000 ] && ok "far less than Varnish alone" || bad "window $window ms"
wants incident-close apache 20
for _ in $(seq 100); do [ $(($(mails) - sent)) -ge 2 ] && break; sleep 0.1; done
[ $(($(mails) - sent)) -eq 2 ] && ok "two mails" || bad "$(($(mails) - sent)) mails"
"$chains/fault" clear >/dev/null 2>&1

echo "# kill -9 Apache's parent alone: its children go on serving"
load_begin 200 10
sleep 1
before=$(pid_of apache)
fault kill9 apache main
wants service-exited apache 5
wants service-up apache 20
wants route-restored tile 20
load_end
[ "${failed:-9999}" -eq 0 ] && ok "none failed" || bad "$failed failed"
after=$(pid_of apache)
[ -n "$after" ] && [ "$after" != "$before" ] && ok "a new Apache" || bad "Apache is still $after"
"$chains/fault" clear >/dev/null 2>&1

echo "# Apache hangs"
load_begin 200 12
sleep 1
fault hang apache
wants check-down apache-http 5
wants route-moved tile 5
wants service-up apache 30
wants route-restored tile 30
load_end # its incident stays open: a third one within 10 min flaps
"$chains/fault" clear >/dev/null 2>&1

echo "# kill -9 of monitord"
pids="$(pid_of apache) $(pid_of tomcat) $(pid_of varnish)"
restarts="$(restarts_of apache) $(restarts_of tomcat) $(restarts_of varnish)"
kill -9 "$daemon"
wait "$daemon" 2>/dev/null
chain_daemon
await_up 30 || bad "not up again"
[ "$pids" = "$(pid_of apache) $(pid_of tomcat) $(pid_of varnish)" ] && ok "same pids" ||
	bad "pids were $pids"
[ "$restarts" = "$(restarts_of apache) $(restarts_of tomcat) $(restarts_of varnish)" ] &&
	ok "none restarted" || bad "restarts were $restarts"
finish
