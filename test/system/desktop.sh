#!/bin/bash
# monitord-desktop with a real notification daemon on a bus and a display of their own: one
# bubble an incident, replaced by what comes later; a daemon that hangs keeps nobody waiting.
for program in Xvfb dunst dunstctl dbus-daemon dbus-send; do
	command -v "$program" >/dev/null || { echo "skipped: there is no $program"; exit 77; }
done
[ -x "${MONITORD_BUILD:?}/monitord-desktop" ] || { echo "skipped: monitord-desktop was not built"; exit 77; }
. "${MONITORD_SOURCE:?}/test/system/world.sh"
touch "$dir/flag"
cat >"$rules" <<RULES
[monitord]
socket  = $sock
state   = $dir/state
helpers = $build
alert   = me
every   = 100ms
down    = 1
up      = 1

[contact me]
desktop = yes

[check flag]
file = $dir/flag

[check other]
file  = $dir/flag
alert = none
RULES
world_daemon
await_up 20 || { bad "monitord did not come up"; exit 1; }

display=$((90 + $$ % 100))
Xvfb ":$display" -screen 0 800x600x16 -nolisten tcp >"$dir/xvfb" 2>&1 &
kids="$kids $!"
export DISPLAY=:$display HOME=$dir XDG_RUNTIME_DIR=$dir
dbus-daemon --session --nofork --print-address=3 --address="unix:path=$dir/bus" 3>"$dir/address" 2>"$dir/dbus" &
kids="$kids $!"
export DBUS_SESSION_BUS_ADDRESS=unix:path=$dir/bus
for _ in $(seq 100); do [ -s "$dir/address" ] && [ -S "/tmp/.X11-unix/X$display" ] && break; sleep 0.1; done
dunst >"$dir/dunst" 2>&1 &
dunst=$!
kids="$kids $dunst"
owned() { # without making the bus begin one of its own
	dbus-send --session --print-reply --dest=org.freedesktop.DBus / org.freedesktop.DBus.NameHasOwner \
		string:org.freedesktop.Notifications 2>/dev/null | grep -q 'boolean true'
}
for _ in $(seq 100); do owned && break; sleep 0.1; done
dunstctl count >/dev/null 2>&1 || { echo "skipped: dunst does not run here"; cat "$dir/dunst"; exit 77; }
"$build/monitord-desktop" -s "$sock" -c me >"$dir/desktop" 2>&1 &
agent=$!
kids="$kids $agent"

shown() { dunstctl count displayed; }
await_shown() { # WHAT SECONDS COMMAND...: until the command is true
	local what=$1 end=$(($(now) + $2 * 1000))
	shift 2
	until "$@"; do
		[ "$(now)" -lt "$end" ] || { bad "$what: not within the time; shown: $(shown)"; cat "$dir/desktop"; return 1; }
		sleep 0.1
	done
	ok "$what"
}
is_shown() { [ "$(shown)" = "$1" ]; }
says() { dunstctl history | grep -qF "$1"; }

echo "# an incident is one bubble, and its end replaces it"
rm "$dir/flag"
await_shown "what is wrong is shown" 15 is_shown 1
last=0
event incident-open flag 5
id=$(sed -E 's/.*"incident":([0-9]+).*/\1/' <<<"$event")
ctl ack "$id" --why "on it" >/dev/null && ok "acknowledged" || bad "ack"
sleep 1
is_shown 1 && ok "by the same bubble" || bad "$(shown) bubbles"
touch "$dir/flag"
fault_ms=$(now)
wants incident-close flag 30
sleep 1 # the bubble has no other sign: dunst tells of what is closed only
dunstctl close-all
await_shown "its end is shown" 5 says "flag: over"
n=$(dunstctl history | grep -c '"appname"')
[ "$n" = 1 ] && ok "it was one bubble" || bad "$n bubbles"

echo "# a daemon that hangs keeps nobody waiting"
kill -STOP "$dunst"
rm "$dir/flag"
mark
fault_ms=$(now)
wants incident-again flag 15
touch "$dir/flag"
sleep 1
kill -0 "$agent" && ok "monitord-desktop lives" || bad "monitord-desktop is gone"
[ "$(ctl status --json | grep -c '"pid"')" -ge 1 ] && ok "monitord answers" || bad "monitord does not answer"
rm "$dir/flag"
kill -CONT "$dunst"
await_shown "what is wrong then is shown" 40 is_shown 1
finish
