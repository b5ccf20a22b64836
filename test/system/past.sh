#!/bin/bash
# Incidents that are over are known after a boot, too.
. "${MONITORD_SOURCE:?}/test/system/world.sh"
printf '[monitord]\nsocket = %s\nstate = %s\nhelpers = %s\non-stop = stop\n' "$sock" "$dir/state" "$build" >"$rules"
printf '[service a]\nrun = /bin/sleep 600\nready = exec\nbackoff = 10ms..50ms\n' >>"$rules"
world_daemon
await 20 is a up || bad "it does not begin"
ctl incidents --since 1h >"$dir/out" && grep -q '^nothing was wrong' "$dir/out" && ok "nothing was wrong" || bad "$(cat "$dir/out")"
kill -KILL "$(pid_of a)"
opened() { ctl incidents --since 1h | grep -q 'a exited'; }
await 10 opened && ok "it is among those of the last hour" || bad "$(ctl incidents --since 1h)"
id=$(ctl incidents --json | python3 -c 'import json, sys; print(json.load(sys.stdin)[0]["id"])')
written() { # each ten seconds
	python3 - "$dir" "$id" <<'PY'
import pathlib, sqlite3, sys
file, = pathlib.Path(sys.argv[1], "state").rglob("history.db")
rows = sqlite3.connect(f"file:{file}?mode=ro", uri=True).execute("select json from incident where id = ?", (sys.argv[2],)).fetchall()
sys.exit(not any("a runs as" in row[0] for row in rows))
PY
}
await 25 written && ok "it is on disk, with what was done" || bad "it is not on disk: $(find "$dir/state")"
kill -TERM "$daemon"
await 20 not_there "$daemon" || bad "it does not end"
wait "$daemon" 2>/dev/null
rm -r "$dir/run" # as a boot does
mkdir "$dir/run"
world_daemon
await 20 is a up || bad "it does not begin again"
[ "$(ctl incidents --json)" = '[]' ] && ok "nothing is remembered" || bad "$(ctl incidents --json)"
ctl incidents --since 1h >"$dir/out" && grep -q "^#$id .*closed.*a exited" "$dir/out" && ok "$(cat "$dir/out")" || bad "$(cat "$dir/out")"
code() { curl -s -o "$dir/out" -w '%{http_code}' --unix-socket "$sock" "http://localhost/v1/incidents$1"; }
[ "$(code "/$id")" = 200 ] && grep -q '"symptoms"' "$dir/out" && ok "it can be asked for" || bad "$(cat "$dir/out")"
[ "$(code "/$((id + 100000))")" = 404 ] && [ "$(code "?since=never")" = 400 ] && ok "another cannot" || bad "$(cat "$dir/out")"
ctl incidents --since never >/dev/null 2>&1
[ $? -eq 2 ] && ok "a time that is none is wrong use" || bad "exit code"
printf 'history = off\n' >"$dir/off"
sed -i "/^state/r $dir/off" "$rules"
ctl reload >/dev/null || bad "reload"
[ "$(code "/$id")" = 404 ] && [ "$(code "?since=1h")" = 404 ] && ok "without history there is no past" || bad "$(cat "$dir/out")"
finish
