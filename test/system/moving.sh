#!/bin/bash
# doc/moving.md: what stands on the right of its tables is accepted, and does what the left side did.
. "${MONITORD_SOURCE:?}/test/system/wait.sh"
[ -n "${MONITORD_LONG:-}" ] || { echo "SKIP: takes 20 s; MONITORD_LONG=1 runs it"; exit 77; }
[ "$(id -u)" -eq 0 ] || { echo "SKIP: only root may give services users of their own"; exit 77; }
build=${MONITORD_BUILD:?}
dir=$(mktemp -d "${TMPDIR:-/tmp}"/mmoving.XXXXXX) || exit 1
chmod 755 "$dir"
daemon=
end() {
	[ "$failures" -ne 0 ] && tail -n 60 "$dir/log"
	[ -n "$daemon" ] && kill -TERM "$daemon" 2>/dev/null && wait "$daemon"
	rm -rf "$dir"
}
trap end EXIT
trap 'exit 130' INT TERM
ctl() { timeout 60 "$build/monitorctl" -s "$dir/run/status.sock" "$@"; }

echo "# each setting that the tables name, alone"
python3 - "$MONITORD_SOURCE/doc/moving.md" >"$dir/settings" <<'PY'
import re, sys
for line in open(sys.argv[1]):
    cells = line.strip().strip("|").split(" | ")
    if line.startswith("| ") and len(cells) == 2:
        for code in re.findall(r"`([^`]*)`", cells[1]):
            if re.match(r"[a-z-]+ = [^…]*$", code) and "NAME" not in code:
                print(code)
PY
[ "$(wc -l <"$dir/settings")" -gt 20 ] && ok "$(wc -l <"$dir/settings") settings" || bad "few settings: $(cat "$dir/settings")"
accepted() { "$build/monitord/monitord" -t -c "$dir/one.ini" >"$dir/said" 2>&1; }
while read -r setting; do
	others="[service apache]
run = /bin/true
[check c]
of = apache
tcp = 127.0.0.1:1
"
	good=
	for section in "[service x]
run = /bin/true" "[service x]
run = /bin/true
at-most = 1 in 1m" "[service x]
match = x
user = daemon" "[service x]" "[check x]
http = http://127.0.0.1:1/
of = apache" "[check x]
http = http://127.0.0.1:1/" "[rule x]
do = log" "[rule x]
when = c.down" "[monitord]" "[check x]"; do
		printf '%s\n%s\n%s\n' "$others" "$section" "$setting" >"$dir/one.ini"
		accepted && good=1 && break
	done
	[ -n "$good" ] && ok "$setting" || bad "$setting: $(cat "$dir/said")"
done <"$dir/settings"

echo "# what they do"
cat >"$dir/told.sh" <<'SH'
#!/bin/sh
# NAME: what it was given
{
	env | grep -vE '^(PWD|SHLVL|_)=' | sed 's/=.*//' | sort | xargs
	echo "$(pwd) $(umask) $(id -un):$(id -gn) $(nice) $(ulimit -n) $(ulimit -c) $(cat /proc/self/oom_score_adj) $B$C $FROM"
} >"$1"
exec sleep "603.$2"
SH
cat >"$dir/herald.py" <<'PY'
import os, signal, socket, sys, time
signal.signal(signal.SIGHUP, lambda *a: open(sys.argv[1], "w").write("HUP\n"))
a = os.environ["NOTIFY_SOCKET"]
time.sleep(1)
socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM).sendto(b"READY=1", "\0" + a[1:] if a[0] == "@" else a)
time.sleep(600)
PY
chmod 755 "$dir/told.sh"
mkdir "$dir/out"
chmod 777 "$dir/out"
echo 'FROM=file' >"$dir/defaults"
cat >"$dir/monitord.ini" <<RULES
[monitord]
socket  = $dir/run/status.sock
state   = $dir/state
helpers = $build
on-stop = stop
history = off
record  = off
[service program]
run   = $dir/told.sh $dir/out/program $$
dir   = $dir/out
user  = daemon
umask = 027
env   = B=two words
env   = C=, with a comma
[service manual]
run     = /bin/sleep 604.$$
on-boot = stay
[service unexpected]
run     = /bin/sh -c "exit 3"
restart = failure
success = 0, 3
[service once]
run     = /bin/false
restart = never
[service slow]
run   = /bin/sleep 605.$$
ready = after 2s
[service behind]
run     = /bin/sleep 606.$$
depends = slow
[service crash]
run     = /bin/sh -c "exit 1"
at-most = 3 in 1m
backoff = 100ms..30s
[service stubborn]
run  = /bin/sh -c "trap '' TERM; sleep 607.$$ & while :; do sleep 1; done"
stop = TERM 1s, KILL
[service many]
instances = 1..3
run = /bin/sh -c "echo I am %i; exec sleep 608.$$"
log = $dir/many-%i.log 50M x 5
[service unit]
run       = $dir/told.sh $dir/out/unit $$
user      = daemon
group     = nogroup
dir       = /
umask     = 077
nice      = 5
env-file  = $dir/defaults
limits    = nofile 512, core 0
oom-score = 300
[service herald]
run    = /usr/bin/python3 $dir/herald.py $dir/hup
ready  = notify
reload = HUP
[rule listener]
when = crash.state = failed
do   = run /bin/sh -c "cat >$dir/out/listener"
RULES
"$build/monitord/monitord" -c "$dir/monitord.ini" >"$dir/log" 2>&1 &
daemon=$!
await 10 answers || bad "no daemon"
await 20 is crash failed && [ "$(restarts_of crash)" -eq 3 ] && ok "startretries: three, then failed" || bad "$(ctl status crash)"
await 10 is slow up && await 5 is behind up && ok "startsecs, priority" || bad "$(ctl status slow behind)"
await 10 test -s "$dir/out/program" && await 10 test -s "$dir/out/unit" || bad "nothing was told"
same() { [ "$1" = "$2" ] && ok "$3" || bad "$3: '$1', expected '$2'"; }
same "$(sed -n 1p "$dir/out/program")" "B C HOME LOGNAME PATH SHELL USER" "environment: nothing else is inherited"
set -- $(sed -n 2p "$dir/out/program")
same "$1 $2 $3" "$dir/out 0027 daemon:daemon" "directory, umask, user"
same "$(sed -n 2p "$dir/out/unit")" "/ 0077 daemon:nogroup 5 512 0 300  file" "what a unit is given"
same "$(ctl status manual --json | grep -o '"state":"[a-z]*"')" '"state":"stopped"' "autostart=false"
same "$(ctl status unexpected | tail -n 1 | grep -oE 'code 3, finished')" "code 3, finished" "exitcodes"
is once stopped && [ "$(restarts_of once)" = 0 ] && ok "autorestart=false" || bad "$(ctl status once)"
same "$(ctl incidents | grep -cE ' (unexpected|once) ')" 1 "and its failure is told, no success"
ctl stop stubborn >/dev/null && ! pgrep -f "sleep 607.$$" >/dev/null && ok "stopwaitsecs, killasgroup" || bad "$(ctl status stubborn)"
same "$(cat "$dir/many-2.log")" "I am 2" "numprocs, stdout_logfile"
mark
ctl restart many >/dev/null || bad "restart many"
same "$(ctl events --json --since "$last" | grep -oE '"kind":"service-(stopping|up)","object":"many-[1-3]' | sed 's/.*service-//; s/","object":"many-/ /' | xargs)" \
	"stopping 1 up 1 stopping 2 up 2 stopping 3 up 3" "a family, one after the other"
await 10 is herald up && ctl reload herald >/dev/null && await 5 grep -q HUP "$dir/hup" && ok "Type=notify, ExecReload" || bad "$(ctl status herald)"
await 10 grep -q '"kind":"rule-fired"' "$dir/out/listener" && ok "event listeners" || bad "no listener"
pid=$(pid_of program)
sed -i '/^\[service manual\]/,/^on-boot/d' "$dir/monitord.ini"
ctl reload >/dev/null && same "$(pid_of program)" "$pid" "update: what did not change goes on"
ctl status manual >/dev/null 2>&1
same $? 4 "and what is gone is gone"
finish
