#!/bin/bash
# What is kept of a process before it is killed: its answer to a signal, its last lines, sockets
# and threads; of one that crashed, its last lines. Bounded in time, and no way to read what its
# user may not.
. "${MONITORD_SOURCE:?}/test/system/world.sh"
puppet=$build/test/system/puppet
bound=$((port + 5))
theirs=$dir/theirs
mkdir "$theirs"
echo "the secret of root" >"$dir/secret"
chmod 600 "$dir/secret"
world_rules "
[service hung]
run      = $puppet print first print second bind $bound answer \"Thread.State: BLOCKED\" deaf 15 spin 60000
log      = $dir/hung.log
stop     = TERM 300ms, KILL
evidence = signal QUIT within 2s, log 50 lines, sockets, threads

[check hung-fine]
of     = hung
script = /bin/sh -c \"test ! -e $dir/sick || exit 2\"
every  = 100ms
do     = restart hung

[service deaf]
run      = $puppet print here deaf 15 wait
log      = $dir/deaf.log
stop     = TERM 200ms, KILL
evidence = signal QUIT, log

[service fragile]
run     = $puppet print alpha print omega exit 3
log     = $dir/fragile.log
backoff = 10s..20s
on-boot = stay

[service sly]
run      = $puppet print mine sleep 300 exit 4
user     = nobody
log      = $theirs/sly.log
evidence = log
backoff  = 300ms..20s
on-boot  = stay

[service slier]
run   = $puppet print mine sleep 4000000
user  = nobody
log   = $theirs/logs/slier.log 1K x 2
ready = exec"
mkdir "$theirs/logs" "$dir/closed"
{ head -c 3000 /dev/zero | tr '\0' x && echo && cat "$dir/secret"; } >"$dir/closed/slier.log"
chmod 700 "$dir/closed"
[ "$(id -u)" -eq 0 ] && chown -R 65534 "$theirs"
text_of() { # OBJECT WORDS SECONDS: an event of evidence that holds these words, in \$text
	local end=$(($(now) + $3 * 1000))
	until text=$(ctl events --json --since 0 2>/dev/null | grep -F '"kind":"service-evidence"' |
		grep -F "\"object\":\"$1\"" | grep -F -- "$2" | tail -n 1) && [ -n "$text" ]; do
		[ "$(now)" -lt "$end" ] || { bad "no evidence of $1 says '$2'"; return 1; }
		sleep 0.05
	done
	ok "$1: $(sed -E 's/.*"text":"([^"]*)".*/\1/' <<<"$text" | cut -c 1-150)"
}
world_daemon
touch "$dir/mailbox"
"$demo" sink "$mail" "$dir/mailbox" >/dev/null 2>&1 &
kids="$kids $!"
for _ in $(seq 200); do ctl status hung --json 2>/dev/null | grep -q '"state":"up"' && break; sleep 0.05; done

echo "# a rule restarts what hangs"
old=$(pid_of hung)
mark
fault_ms=$(now)
touch "$dir/sick"
wants service-stopping hung 10
text_of hung "SIGQUIT was answered by" 10 && grep -q '1 BLOCKED' <<<"$text" || bad "no state is counted"
text_of hung "first | second" 5 # and not the answer
text_of hung "listens on 127.0.0.1:$bound" 5
text_of hung "threads, the busiest: puppet" 5
grep -Eq "puppet [0-9]+ \(0x[0-9a-f]+\) [5-9][0-9]|1[0-9][0-9]%" <<<"$text" || echo "     a busy machine: $text"
text_of hung "all of it is kept in" 5
file=$(sed -E 's/.*kept in ([^ ]*) .*/\1/' <<<"$text")
[ -f "$file" ] && [ "$(stat -c %a "$file")" = 600 ] && ok "the file is there, for root only" || bad "no file $file"
for words in "Thread.State: BLOCKED" "second" "LISTEN       127.0.0.1:$bound" "0x"; do
	grep -qF -- "$words" "$file" || bad "the file lacks '$words': $(cat "$file")"
done
rm "$dir/sick"
for _ in $(seq 100); do [ -n "$(pid_of hung)" ] && [ "$(pid_of hung)" != "$old" ] && break; sleep 0.1; done
[ "$(pid_of hung)" != "$old" ] && ok "and it was restarted" || bad "$(ctl explain hung)"
for _ in $(seq 100); do grep -q '^    second' "$dir/mailbox" && break; sleep 0.1; done
grep -q '^    second' "$dir/mailbox" && grep -q 'kept in' "$dir/mailbox" && ok "the mail shows it" ||
	bad "the mail: $(cat "$dir/mailbox")"

echo "# by command: a healthy one is not asked, unless it does not obey"
mark
ctl restart deaf >/dev/null || bad "restart"
text_of deaf "SIGQUIT was not sent: it does not handle it" 5
events=$(ctl events --json --since "$last" | grep -F '"object":"deaf"' | sed -E 's/.*"kind":"([^"]*)".*/\1/' | uniq | tr '\n' ' ')
case $events in
*"service-stopping service-evidence service-exited"*) ok "between TERM and KILL" ;;
*) bad "$events" ;;
esac

echo "# a crash: its last lines, without any key"
ctl start fragile --no-wait >/dev/null
text_of fragile "alpha | omega" 10

echo "# a link in its user's folder shows nothing of root's"
if [ "$(id -u)" -eq 0 ]; then
	ctl start sly --no-wait >/dev/null
	text_of sly "its last lines: mine" 10
	rm -f "$theirs/sly.log"
	ln -s "$dir/secret" "$theirs/sly.log"
	n=$(find "$dir/state/evidence" -name 'sly-*' | wc -l)
	for _ in $(seq 100); do
		[ "$(find "$dir/state/evidence" -name 'sly-*' | wc -l)" -gt "$n" ] && break
		sleep 0.1
	done
	ctl events --json --since 0 | grep -q 'secret of root' && bad "an event shows it"
	grep -rq 'secret of root' "$dir/state/evidence" && bad "a file shows it" || ok "nothing is shown"
fi

echo "# nor does a folder, of who was adopted"
if [ "$(id -u)" -eq 0 ]; then
	kill -KILL "$daemon"
	wait "$daemon" 2>/dev/null
	mv "$theirs/logs" "$theirs/old"
	ln -s "$dir/closed" "$theirs/logs"
	world_daemon
	for _ in $(seq 100); do [ -n "$(pid_of slier)" ] && break; sleep 0.05; done
	sleep 2 # more than a look at the logs' sizes
	mark
	kill -KILL "$(pid_of slier)"
	event service-exited slier 10 || bad "its end is not told"
	sleep 0.5
	ctl events --json --since 0 | grep -q 'secret of root' && bad "an event shows it" || ok "nothing is shown"
	[ -e "$dir/closed/slier.log.1" ] && bad "it was rotated with root's rights" || ok "nor rotated"
fi

echo "# one who gathers and does not end, as on a dead disk, holds up nobody"
hold() { # as its tracer: until that ends its parent cannot reap it
	exec python3 - "$daemon" <<'PY'
import ctypes, errno, os, sys, time
libc = ctypes.CDLL(None, use_errno=True)
own = sys.argv[1]
nicer = os.getpriority(os.PRIO_PROCESS, int(own)) + 5
end = time.time() + 15
while time.time() < end:
    for pid in open(f"/proc/{own}/task/{own}/children").read().split():
        try:
            same = os.readlink(f"/proc/{pid}/exe") == os.readlink(f"/proc/{own}/exe")
            nice = os.getpriority(os.PRIO_PROCESS, int(pid))
        except PermissionError:
            sys.exit("not permitted")
        except OSError:
            continue
        # who gathers is nicer than who is about to become a script
        if not same or nice != nicer:
            continue
        if libc.ptrace(0x4206, int(pid), 0, 0) == 0:
            print("held", pid, flush=True)
            time.sleep(40)
            sys.exit()
        if ctypes.get_errno() == errno.EPERM:
            sys.exit("not permitted")
    time.sleep(0.002)
PY
}
if command -v python3 >/dev/null; then
	for _ in $(seq 200); do ctl status hung --json 2>/dev/null | grep -q '"state":"up"' && break; sleep 0.05; done
	hold >"$dir/held" 2>&1 &
	holder=$!
	kids="$kids $holder"
	sleep 0.5
	touch "$dir/sick"
	for _ in $(seq 150); do [ -s "$dir/held" ] && break; sleep 0.1; done
	if grep -q "not permitted" "$dir/held"; then
		echo "     skipped: nobody may be traced here"
		pid=none
	else
		pid=$(cut -d' ' -f2 "$dir/held")
		for _ in $(seq 100); do grep -qs '^State:.Z' "/proc/$pid/status" && break; sleep 0.1; done
		grep -qs '^State:.Z' "/proc/$pid/status" || bad "nobody was held: $(cat "$dir/held")"
	fi
	rm -f "$dir/sick"
	begun=$(now)
	timeout 20 "$build/monitorctl" -s "$sock" restart deaf >/dev/null && ok "a restart took $(($(now) - begun)) ms" ||
		bad "monitord stands still"
	kill -KILL "$holder" 2>/dev/null
	wait "$holder" 2>/dev/null
	for _ in $(seq 100); do [ -e "/proc/$pid" ] || break; sleep 0.1; done
	[ -e "/proc/$pid" ] && bad "it was not reaped" || ok "and then it is reaped"
else
	echo "     SKIP: no python3 to hold one"
fi

echo "# ten files are kept"
last=0
for i in 1 2 3 4 5 6 7 8 9 10 11 12; do ctl restart deaf >/dev/null || bad "restart $i"; done
n=$(find "$dir/state/evidence" -name 'deaf-*' | wc -l)
[ "$n" -eq 10 ] && ok "10 of 13" || bad "$n files"
finish
