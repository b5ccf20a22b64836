#!/bin/bash
# Logs where somebody else has a hand in: what stands in a log's place is no file, or is another's
# at the very moment when monitord looks. Nothing of root's is written, read out or moved for it,
# and only the service whose log it is suffers.
. "${MONITORD_SOURCE:?}/test/system/world.sh"
puppet=$build/test/system/puppet
[ -n "${MONITORD_LONG:-}" ] || { echo "skipped: takes half a minute (MONITORD_LONG)"; exit 77; }
[ "$(id -u)" -eq 0 ] || { echo "skipped: needs root"; exit 77; }
user=65534
as="setpriv --reuid=$user --regid=$user --clear-groups"
mkdir "$dir/odd" "$dir/roots" "$dir/theirs" "$dir/theirs/logs" "$dir/bin"
chown -R $user:$user "$dir/theirs"
chmod 755 "$dir/roots"
secret() { head -c 300000 /dev/zero | tr '\0' S >"$1"; chmod 600 "$1"; }
secret "$dir/roots/secret"
secret "$dir/roots/log"
ln -s "$dir/roots/secret" "$dir/odd/link"
mkfifo "$dir/odd/fifo"
mkdir "$dir/odd/folder"
python3 -c 'import socket, sys; socket.socket(socket.AF_UNIX).bind(sys.argv[1])' "$dir/odd/socket"
cp "$puppet" "$dir/bin/puppet" # where others may run it
name=$(id -un $user)
odd() { printf '\n[service %s]\nrun = %s sleep 4000000\nready = exec\nlog = %s\nbackoff = 100ms..1s\n' "$1" "$puppet" "$2"; }
talks() { # NAME LOG: as fast as a file can be written to, without end
	printf '\n[service %s]\nrun = /bin/sh -c "while :; do %s/bin/puppet chat 2000; sleep 0.05; done"\n' "$1" "$dir"
	printf 'user = %s\nready = exec\nlog = %s 64K x 2\nbackoff = 10ms..50ms\n' "$name" "$2"
}
{
	printf '[monitord]\nsocket = %s\nstate = %s/state\nhelpers = %s\non-stop = stop\nstarts-at-once = 100\n' "$sock" "$dir" "$build"
	printf '\n[service steady]\nrun = %s sleep 4000000\nready = exec\nbackoff = 10ms..50ms\n' "$puppet"
	for kind in link fifo folder socket; do odd $kind "$dir/odd/$kind"; done
	odd device /dev/full
	odd tiny "$dir/odd/tiny 1K x 1"
	odd huge "$dir/odd/huge 4000000T x 2"
	talks swaps-log "$dir/theirs/log"
	talks swaps-folder "$dir/theirs/logs/log"
} >"$rules"
sum() { cat "$dir/roots"/* | sha256sum; stat -c '%n %U %a %s' "$dir/roots"/*; }
before=$(sum)
# its user takes turns: the log, a link to root's; the folder, a link to root's
swapper() {
	cd "$dir/theirs" || exit 1
	while [ $SECONDS -lt 60 ]; do
		mv log log.own 2>/dev/null
		ln -s "$dir/roots/secret" log 2>/dev/null
		mv logs logs.own 2>/dev/null
		ln -s "$dir/roots" logs 2>/dev/null
		[ $((RANDOM % 4)) -eq 0 ] && sleep 0.01
		rm -f log logs
		mv logs.own logs 2>/dev/null
		mv log.own log 2>/dev/null
		[ $((RANDOM % 4)) -eq 0 ] && sleep 0.01
	done
}
world_daemon
await 20 is steady up || { bad "it does not begin: $(ctl status)"; finish; }

echo "# what is no file"
last=0
for kind in link fifo folder socket; do
	event start-failed $kind 10 && ok "$kind: $(sed -E 's/.*"text":"([^"]*)".*/\1/' <<<"$event")" || bad "$kind: $(ctl explain $kind)"
done
for s in device tiny huge; do await 10 is $s up && ok "$s: it runs" || bad "$(ctl explain $s)"; done

echo "# its user swaps the log, and its folder, while both are written and rotated"
export -f swapper
export dir
$as bash -c swapper 2>/dev/null & # no function: its process would be another than $!
swapper=$!
kids="$kids $swapper"
sleep 12
[ "$before" = "$(sum)" ] && ok "nothing of root's was touched" || bad "before: $before, now: $(sum)"
kill "$swapper"
wait "$swapper" 2>/dev/null
sleep 0.5 # its last mv
for file in "$dir"/theirs/log* "$dir"/theirs/logs/log* "$dir"/theirs/logs.own/log*; do
	[ ! -L "${file%/*}" ] || continue # it ended as the folder was a link: the file is root's own
	[ ! -L "$file" ] && grep -qs SSSSSSSS "$file" && bad "$file shows what is root's"
	owner=$(stat -c %u "$file" 2>/dev/null) # a rotation may have moved it on
	[ -z "$owner" ] || [ -L "$file" ] || [ "$owner" = $user ] || bad "$file is of user $owner"
done
find "$dir/theirs" -name 'log*.[12]' | grep -q . && ok "and logs were rotated meanwhile" || bad "nothing was rotated: $(ls -lR "$dir/theirs")"
old=$(pid_of steady)
kill -KILL "$old"
another() { [ -n "$(pid_of steady)" ] && [ "$(pid_of steady)" != "$old" ]; }
await 3 another && ok "nobody else noticed" || bad "$(ctl explain steady)"
ctl events --json --since 0 | grep -q '"daemon-late"' && bad "monitord stood still: $(ctl events | grep late)"
rm -f "$dir/theirs/log" "$dir/theirs/logs" 2>/dev/null
ctl stop all >/dev/null

echo "# sizes that are none"
for size in '1 x 2' '0K x 2' '99999999999999G x 2' '1M x -1' '1M x 99999999999' '-1K x 2'; do
	printf '[service a]\nrun = /bin/true\nlog = %s/x %s\n' "$dir" "$size" >"$dir/size.ini"
	"$build/monitord/monitord" -t -c "$dir/size.ini" >"$dir/out" 2>&1
	code=$?
	[ "$code" -eq 1 ] && grep -q "size.ini:3: " "$dir/out" || bad "$size: exit $code: $(cat "$dir/out")"
done
ok "each is told with its line"
finish
