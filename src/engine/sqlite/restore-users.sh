#!/bin/sh
# Prints who has a database open, `PID NAME` a line. Stands behind room.sh and restore-place.sh.
#
#   sh -c USERS users PATH
# shellcheck disable=SC2154 # shared with the scripts before
set -u
enter "$1" || fail "$1: its directory cannot be entered"
users_of "./$base"
