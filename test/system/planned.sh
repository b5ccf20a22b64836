#!/bin/bash
# A planned restart of a routed service under load: out of its route, stopped, started, ready, in
# again; and not one request fails. The same for all of a group, one after the other.
. "${MONITORD_SOURCE:?}/test/system/world.sh"
world_rules
sed -i 's/^drain = site$/drain = site\ngroups = pair/; s/^\[service secondary\]$/&\ndrain = site\ngroups = pair/' "$rules"
world_begin
old="$(pid_of primary) $(pid_of secondary)"
mark
"$demo" load "$front" 200 6 >"$dir/load" 2>&1 &
load=$!
kids="$kids $load"
sleep 0.5
ctl restart primary >/dev/null && ok "restarted" || bad "$(ctl explain primary)"
[ -n "$(pid_of primary)" ] && [ "$(pid_of primary)" != "${old% *}" ] || bad "the primary is $(pid_of primary)"
for kind in route-ordered service-stopping service-exited service-started service-up; do
	event $kind "" 5 || bad "no $kind"
	at=$(sed -E 's/.*"id":([0-9]+).*/\1/' <<<"$event")
	[ "$at" -gt "${before:-0}" ] || bad "$kind came too early"
	before=$at
done
for _ in $(seq 100); do ctl status site --json | grep -q '"active":\["primary"\]' && break; sleep 0.05; done
ctl status site --json | grep -q '"active":\["primary"\]' && ok "it carries the traffic again" || bad "$(ctl status site)"
ctl restart @pair >/dev/null && ok "then both, by their group" || bad "restart @pair"
[ "$(pid_of secondary)" != "${old#* }" ] || bad "the secondary was not restarted"
wait "$load"
grep -q ' 0 failed' "$dir/load" && ok "$(tail -n 1 "$dir/load")" || bad "$(tail -n 3 "$dir/load")"
echo "# a link to a file of root's stands in the flag file's place"
echo secret >"$dir/secret"
chmod 600 "$dir/secret"
ln -sfn "$dir/secret" "$dir/active"
ctl reroute site secondary --no-wait >/dev/null
is_new() { [ ! -L "$dir/active" ] && [ "$(cat "$dir/active")" = secondary ]; }
await 10 is_new && ok "a new one stands there" || bad "$(ls -l "$dir/active"): $(ctl status site)"
[ "$(stat -c %a "$dir/active")" = 644 ] && [ "$(cat "$dir/secret")" = secret ] &&
	ok "with nothing of what the link led to" || bad "$(ls -l "$dir/active" "$dir/secret")"
finish
