#!/bin/sh
# Runs a command, and once it has succeeded waits to be told to end: a StatefulSet starts again
# whatever ends, but a run that is over is over, and its results are still to be copied out of
# the pod. What fails ends with its own status, and is started again.
#
#     hold.sh FILE COMMAND...        FILE is there once the command has succeeded
set -u
over=$1
shift
rm -f "$over"

"$@" &
child=$!
trap 'kill -TERM "$child"' TERM INT
# A signal ends `wait`, while the command is still writing its last checkpoint.
while wait "$child"; status=$?; kill -0 "$child" 2>/dev/null; do :; done
[ "$status" -eq 0 ] || exit "$status"

trap 'kill "$child"; exit 0' TERM INT
touch "$over"
sleep infinity &
child=$!
wait "$child"
