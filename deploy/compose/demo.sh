#!/usr/bin/env bash
# make cluster-demo: build the image, run the cluster of compose.yaml to its end, show the
# report, and leave nothing but that and the image. Ends with 1 if anything is not as it should
# be: the run did not end, a container failed, or one process without a network gives another
# model. What .env has can be set in the environment; LIMIT is how many seconds the run may take.
set -euo pipefail
if [[ -n ${OUT:-} ]]; then
  mkdir -p "$OUT"
  OUT=$(cd "$OUT" && pwd)
fi
cd "$(dirname "$0")"
export OUT=${OUT:-$PWD/out}

fail() {
  echo "cluster-demo: $*" >&2
  exit 1
}

command -v docker >/dev/null || fail "docker is not installed: https://docs.docker.com/engine/install"
answer=$(docker info --format '{{.ServerVersion}}' 2>&1) \
  || fail "no Docker engine answers; start one, or get the right to use it (${answer##*$'\n'})"
if docker compose version >/dev/null 2>&1; then
  compose=(docker compose)
elif command -v docker-compose >/dev/null; then
  compose=(docker-compose)
else
  fail "neither docker compose nor docker-compose (from 1.29 on) is installed"
fi
echo "cluster-demo: Docker engine $answer, $("${compose[@]}" version --short)"

export COMPOSE_PROJECT_NAME=${COMPOSE_PROJECT_NAME:-comlad-demo}
rm -rf "$OUT"/report.{png,txt,json} "$OUT/run"

down() {
  "${compose[@]}" down --volumes --remove-orphans >/dev/null 2>&1 \
    || echo "cluster-demo: ${compose[*]} down failed; see docker ps -a" >&2
}

"${compose[@]}" build keys || fail "the image was not built; PYTHON_IMAGE must have Python from 3.11 on and pip"
down
trap down EXIT
timeout --foreground "${LIMIT:-600}" "${compose[@]}" up --no-build --no-color \
  || fail "the cluster did not come to its end within ${LIMIT:-600} seconds"

failed=0
for container in $("${compose[@]}" ps -a -q); do
  read -r name status < <(docker inspect --format '{{.Name}} {{.State.ExitCode}}' "$container")
  if [[ $status != 0 ]]; then
    echo "cluster-demo: ${name#/} ended with status $status" >&2
    failed=1
  fi
done
[[ $failed = 0 ]] || fail "not every container did what it should"
for file in report.png report.txt report.json run/summary.json; do
  [[ -s $OUT/$file ]] || fail "$OUT/$file is not there"
done
echo
cat "$OUT/report.txt"
echo
echo "cluster-demo: over the network and in one process the same model; the figure is $OUT/report.png"
