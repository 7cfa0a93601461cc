#!/bin/sh
# Runs a script of psql's. Runs behind password.sh.
#
#   psql PSQL CONNINFO SCRIPT OPTION…
#
#   OPTION   psql's own, as `-v NAME=VALUE`
#
# Like every shell of ours it stays until what it runs has ended, as count.sh says.
trap : HUP INT TERM
psql=$1
conninfo=$2
script=$3
shift 3
printf '%s\n' "$script" | "$psql" -XqAtw -v ON_ERROR_STOP=1 "$@" -d "$conninfo"
