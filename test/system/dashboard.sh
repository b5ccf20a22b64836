#!/bin/bash
# The dashboard in a real Chromium: charts are there, a real fault is seen as it happens and
# until it is over, a token lets people act, the keyboard is enough, and the console stays empty.
[ -n "${MONITORD_LONG:-}" ] || { echo "takes a minute: set MONITORD_LONG"; exit 77; }
python3 "${MONITORD_SOURCE:?}/test/system/browser.py" || { echo "chromium is not installed"; exit 77; }
. "${MONITORD_SOURCE:?}/test/system/world.sh"
http=$((port + 5))
world_rules "
[check host]
system = yes
every  = 1s

[check markup]
http   = http://127.0.0.1:$primary/<img/src=x/onerror=document.title=666>
expect = status 200 404

[chain web]
path = front -> primary
path = front -> secondary"
sed -i "s|^every   = 500ms|every = 500ms\nhttp = 127.0.0.1:$http\nhttp-token-file = $dir/token|" "$rules"
(umask 077 && head -c 24 /dev/urandom | base64 >"$dir/token")
world_begin
python3 "$MONITORD_SOURCE/test/system/dashboard.py" "http://127.0.0.1:$http/" "$sock" "$dir/token" "${PICTURES:-}" ||
	bad "the dashboard is not as it should be"
finish
