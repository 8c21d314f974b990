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
told=
trap 'told=1; kill -TERM "$child"' TERM INT
wait "$child"
status=$?
# A signal ends `wait`, while the command is still writing its last checkpoint: wait again, unless
# the status was the command's already (then there is no such child any more, 127).
while [ -n "$told" ]; do
  told=
  wait "$child"
  again=$?
  [ "$again" -eq 127 ] || status=$again
done
[ "$status" -eq 0 ] || exit "$status"

trap 'kill "$child"; exit 0' TERM INT
touch "$over"
sleep infinity &
child=$!
wait "$child"
