#!/bin/bash
# The ad chain (HAProxy, three Tomcats, RMI, PostgreSQL) under monitord with 300 requests/s.
. "${MONITORD_SOURCE:?}/test/system/chain.sh"
chain_begin ad "$source/examples/ads.ini" 24000
echo "# all up"

echo "# one Tomcat hangs"
load_begin 300 14
sleep 1
fault hang ad1
wants check-down ad1-http 5
wants route-moved ads 5
wants service-up ad1 40
wants route-restored ads 20
load_end
wants incident-close ad1-http 20
"$chains/fault" clear >/dev/null 2>&1

echo "# one Tomcat answers 500"
load_begin 300 14
sleep 1
fault http500 ad2
wants check-down ad2-http 5
wants route-moved ads 5
rm -f "$dir/ctl/ad2/http500"
wants service-up ad2 40
wants route-restored ads 20
load_end
wants incident-close ad2-http 20
"$chains/fault" clear >/dev/null 2>&1

echo "# one Tomcat leaks: drained, restarted, readmitted"
load_begin 300 20
sleep 1
fault leak ad3 100 450
wants rule-fired ad3-leaks 20
"$chains/fault" clear --no-restart >/dev/null 2>&1
wants service-up ad3 40
wants route-restored ads 20
load_end
[ "${failed:-9999}" -eq 0 ] && ok "none failed" || bad "$failed failed"
wants incident-close ad3-leaks 20

echo "# the mail server accepts and never answers"
"$chains/smtp" mode silent >/dev/null
sent=$(mails)
load_begin 300 10
sleep 1
fault kill9 ad1
wants service-exited ad1 5
wants service-up ad1 40
load_end
"$chains/smtp" mode ok >/dev/null
for _ in $(seq 600); do [ $(($(mails) - sent)) -ge 2 ] && break; sleep 0.1; done
[ $(($(mails) - sent)) -ge 2 ] && ok "the mails arrived" || bad "$(($(mails) - sent)) mails"
finish
