#!/bin/bash
# doc/openapi.json against the answers of a running daemon: all is described, and is so.
python3 -c 'import json, http.client' 2>/dev/null || { echo "python3 with its library is not installed"; exit 77; }
. "${MONITORD_SOURCE:?}/test/system/world.sh"
world_rules "
[check host]
system = yes

[check nowhere]
tcp     = 127.0.0.1:1
timeout = 500ms

[rule leaks]
when = primary.memory > 64M for 1s
do   = restart primary

[chain web]
path = front -> primary"
world_daemon
touch "$dir/active" # no mail sink: the spool keeps what it would tell
last=0 fault_ms=$(now)
wants incident-open nowhere 20
python3 "$MONITORD_SOURCE/test/openapi.py" "$MONITORD_SOURCE/doc/openapi.json" "$sock" || bad "the answers differ"
finish
