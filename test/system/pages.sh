#!/bin/bash
# Pages to strict receivers and a real Alertmanager, texts, commands, silences: see alerts.py.
[ -n "${MONITORD_LONG:-}" ] || { echo "skipped: it takes a minute: MONITORD_LONG is not set"; exit 77; }
python3 -c 'import email.policy, http.server, json' 2>/dev/null || { echo "skipped: python3 is not whole"; exit 77; }
exec python3 "${MONITORD_SOURCE:?}/test/system/alerts.py" "${MONITORD_BUILD:?}" pages
