#!/bin/sh
# Removes what a restore has staged or kept. Stands behind room.sh and restore-place.sh.
#
#   sh -c REMOVE remove PATH TAG
# shellcheck disable=SC2154 # shared with the scripts before
set -u
enter "$1" || fail "$1: its directory cannot be entered"
# shellcheck disable=SC2254 # patterns
case $2 in
restoring-$stamp | before_$stamp) named "$2" && remove "$name" ;;
*) fail "no such tag: $2" ;;
esac
