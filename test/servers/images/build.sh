#!/bin/sh
# Makes images that are missing: sh build.sh SUITE BASE-TAG NODE-BINARY TARGET=TAG...
# As root; SUITE is a release of Debian, TARGET a stage of SUITE.Dockerfile.
set -eu
suite=$1
base=$2
node=$3
shift 3
cd "$(dirname "$0")"

docker image inspect "$base" >/dev/null 2>&1 || sh base.sh "$base" "$suite"

for wanted; do
  tar -c "$suite.Dockerfile" postgres.sh -C "$(dirname "$node")" "$(basename "$node")" |
    docker build --quiet --file "$suite.Dockerfile" --build-arg "BASE=$base" --target "${wanted%%=*}" --tag "${wanted#*=}" -
done
