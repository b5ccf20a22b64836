#!/bin/bash
# Pictures of the mails that people get, made of real incidents, for people to look at:
#   MONITORD_BUILD=build test/system/mails.sh FOLDER [KIND ...]
# In namespaces of its own, where the host has a name of the examples and /run is empty. Kinds:
# failover restart leak chain flap remind escalate digest test; doc/mail.png and doc/mail.txt
# are the first one's.
set -u
here=$(cd "$(dirname "$0")" && pwd)
build=$(cd "${MONITORD_BUILD:?}" && pwd) folder=$(mkdir -p "$1" && cd "$1" && pwd)
shift
exec unshare --uts --mount sh -c 'hostname web1.example.org && mount -t tmpfs none /run &&
	mkdir /run/monitord && exec python3 "$@"' sh "$here/mails.py" "$build" "$folder" "$@"
