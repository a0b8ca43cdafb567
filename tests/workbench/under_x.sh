#!/bin/sh
# Runs a program on an X server of its own: under_x.sh PROGRAM NEEDED_PROGRAM…; 77 (skipped) if something is not there.
program=$1
shift
for needed in Xvfb xdotool; do
    command -v "$needed" >/dev/null || { echo "skipped: $needed is not installed"; exit 77; }
done
for needed in "$@"; do
    [ -e "$needed" ] || { echo "skipped: $needed is not there"; exit 77; }
done
work=$(mktemp -d) || exit 1
Xvfb -displayfd 3 -screen 0 1440x900x24 -nolisten tcp 3>"$work/display" 2>"$work/log" &
server=$!
trap 'kill $server 2>/dev/null; wait $server 2>/dev/null; rm -rf "$work"' EXIT
tries=0
while [ ! -s "$work/display" ]; do
    tries=$((tries + 1))
    kill -0 $server 2>/dev/null && [ $tries -le 100 ] || { echo "Xvfb does not start:"; cat "$work/log"; exit 1; }
    sleep 0.1
done
DISPLAY=:$(head -n 1 "$work/display") QT_QPA_PLATFORM=xcb "$program"
