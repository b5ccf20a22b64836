#!/bin/bash
# What people are told: see alerts.py.
python3 -c 'import email.policy, http.server, json' 2>/dev/null || { echo "skipped: python3 is not whole"; exit 77; }
exec python3 "${MONITORD_SOURCE:?}/test/system/alerts.py" "${MONITORD_BUILD:?}" quick
