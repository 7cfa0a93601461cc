#!/bin/sh
# Makes images that are missing: sh build.sh BASE-TAG NODE-BINARY TARGET=TAG...
# As root; TARGET is a stage of Dockerfile.
set -eu
base=$1
node=$2
shift 2
cd "$(dirname "$0")"

docker image inspect "$base" >/dev/null 2>&1 || sh base.sh "$base"

for wanted; do
  tar -c Dockerfile postgres.sh -C "$(dirname "$node")" "$(basename "$node")" |
    docker build --quiet --build-arg "BASE=$base" --target "${wanted%%=*}" --tag "${wanted#*=}" -
done
