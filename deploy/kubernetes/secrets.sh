#!/bin/sh
# Prints the Secrets that the pods want, made of what `comlad keys` left in a directory:
#
#     ./secrets.sh KEYS HONEST BYZANTINE | kubectl apply -f -
#
# HONEST devices from id 0 and BYZANTINE devices after them. ca.key is in none of them.
set -eu
keys=$1 honest=$2 byzantine=$3

secret() {
  name=$1
  shift
  echo ---
  kubectl create secret generic "$name" --namespace comlad --dry-run=client --output yaml "$@"
}

devices() { # NAME FIRST COUNT
  name=$1 device=$2 end=$(($2 + $3))
  set -- "--from-file=ca.pem=$keys/ca.pem"
  while [ "$device" -lt "$end" ]; do
    for file in cert.pem key.pem; do
      set -- "$@" "--from-file=device-$device.$file=$keys/device-$device/$file"
    done
    device=$((device + 1))
  done
  secret "$name" "$@"
}

secret comlad-server "--from-file=$keys/server"
secret comlad-watcher "--from-file=$keys/watcher"
devices comlad-devices 0 "$honest"
[ "$byzantine" -eq 0 ] || devices comlad-byzantine "$honest" "$byzantine"
