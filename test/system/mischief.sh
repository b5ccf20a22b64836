#!/bin/bash
# Servers that behave in a hundred ways, good and bad, and what monitord has to think of each:
# the table is test/system/mischief_table.c, the reasons are in doc/verdicts.
. "${MONITORD_SOURCE:?}/test/system/world.sh"
"$build/test/system/mischief" "$dir" >"$dir/served" 2>&1 &
kids=$!
for _ in $(seq 100); do grep -q ready "$dir/served" && break; sleep 0.1; done
grep -q ready "$dir/served" || { bad "no servers: $(cat "$dir/served")"; finish; }
chmod 600 "$dir/client.key"
{
	printf '[monitord]\nsocket = %s\nstate = %s/state\nhelpers = %s\n' "$sock" "$dir" "$build"
	printf 'alert = none\non-stop = stop\nevery = 1s\ntimeout = 1s\ndown = 1\nup = 1\n\n'
	# of one service: that many of unrelated ones fail together nobody would believe
	printf '[service world]\nrun = /bin/sleep 300\nready = exec\n\n'
	sed 's/^\[check.*/&\nof = world/' "$dir/checks.ini"
} >"$rules"
chmod 644 "$dir"/*.pem
world_daemon
known() { # every check has a verdict
	! ctl status --json 2>/dev/null | grep -q '"state":"unknown"'
}
for _ in $(seq 200); do ctl status --json 2>/dev/null | grep -q '"checks"' && known && break; sleep 0.1; done
sleep 2 # and a second look: what is resumed, what was said when nothing was known
ctl status --json >"$dir/status"
while read -r name state why; do
	found=$(grep -o "{\"name\":\"$name\",\"kind\":\"[a-z]*\".*" "$dir/status" | head -n 1)
	is=$(sed -E 's/.*"state":"([a-z]*)".*/\1/' <<<"${found%%\},\{\"name\"*}")
	error=$(sed -nE 's/.*"error":"(([^"\\]|\\.)*)".*/\1/p' <<<"${found%%\},\{\"name\"*}")
	if [ "$is" != "$state" ] || ! grep -qF -- "$why" <<<"$error"; then
		bad "$name: '$is' ($error), expected '$state' ($why)"
	else
		ok "$name: $state${error:+: $error}"
	fi
done <"$dir/expected"
for name in tls tls-asks-shown tls-old-and-new; do
	grep -qx "resumed $name" "$dir/served" && ok "$name: its session was resumed" || bad "$name was never resumed"
done
grep -q "resumed tls-handshake" "$dir/served" && bad "a tls check took the old certificate's word" ||
	ok "a tls check looks at the certificate each time"
[ "$(wc -l <"$dir/expected")" -ge 100 ] && ok "100 manners and more" || bad "fewer than 100 manners"
finish
