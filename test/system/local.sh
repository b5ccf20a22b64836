#!/bin/bash
# What a host says of itself, by the real daemon: files that only root may see, a log in a
# closed folder that is rotated, a file system, a listener that goes away.
. "${MONITORD_SOURCE:?}/test/system/world.sh"
mkdir -m 700 "$dir/closed"
echo "INFO: old" >"$dir/closed/log"
echo secret >"$dir/closed/file"
"$demo" sink "$mail" "$dir/mailbox" >/dev/null 2>&1 &
sink=$!
kids=$sink
cat >"$rules" <<RULES
[monitord]
socket  = $sock
state   = $dir/state
helpers = $build
every   = 200ms

[check closed-file]
file   = $dir/closed/file
expect = size < 1K, mode = 0600, uid = $(id -u), sha256 = $(sha256sum <"$dir/closed/file" | cut -c 1-64)

[check closed-log]
log   = $dir/closed/log
match = SEVERE|OutOfMemory
up    = 1s

[check disk]
filesystem = $dir
expect     = used <= 100%

[check host]
system = yes
expect = memory-used < 100%

[check mail-port]
listen = tcp 127.0.0.1:$mail
warn   = backlog > 80%

[check plugin]
script = $dir/plugin
expect = load < 5

[rule plugin-load]
when = plugin.load > 4 and plugin./ > 2000
do   = log

[rule full]
when = disk.used > 100% or host.load1 > 100000
do   = log
RULES
chmod 600 "$dir/closed/file"
echo 2.5 >"$dir/load"
printf '#!/bin/sh\necho "OK - all | load=$(cat %s);5;10 /=2643MB;5948"\n' "$dir/load" >"$dir/plugin"
chmod 755 "$dir/plugin"
world_daemon
await_up 20 && ok "all up" || { bad "not all came up"; finish; }
size=$(ctl status closed-file --json | grep -o '"size":[0-9]*')
[ "$size" = '"size":7' ] && ok "$size" || bad "closed-file has $size"

ctl status plugin --json | grep -q '"load":2.5,"/":2643' && ok "performance data" ||
	bad "plugin says $(ctl status plugin --json)"
mark
fault_ms=$(now)
echo 4.5 >"$dir/load"
wants rule-fired plugin-load 10
echo 2.5 >"$dir/load"

echo "# a line, and one in the rotated file"
mark
fault_ms=$(now)
echo "SEVERE: all threads are busy" >>"$dir/closed/log"
wants check-down closed-log 10
grep -q "all threads are busy" <<<"$event" && ok "it says which line" || bad "$event"
wants check-up closed-log 10
mark
fault_ms=$(now)
mv "$dir/closed/log" "$dir/closed/log.1"
echo "java.lang.OutOfMemoryError" >"$dir/closed/log"
wants check-down closed-log 10

echo "# a file that goes, a listener that goes"
mark
fault_ms=$(now)
rm "$dir/closed/file"
wants check-down closed-file 10
kill "$sink"
wants check-down mail-port 10
kids=
finish
