#!/bin/sh
# Keeps a session of psql's as long as its lifeline lasts. Runs behind password.sh.
#
#   hold PSQL CONNINFO SCRIPT OPTION…
#
# The beats that come over descriptor 7 are empty lines, which psql skips. When they end, it ends, and with its session
# all that the session holds. It does not wait inside the server, where nobody would notice that it is gone.
trap : HUP INT TERM
psql=$1
conninfo=$2
script=$3
shift 3
{
  trap : HUP INT TERM
  printf '%s\n' "$script"
  cat <&7
} | "$psql" -XqAtw -v ON_ERROR_STOP=1 "$@" -d "$conninfo"
