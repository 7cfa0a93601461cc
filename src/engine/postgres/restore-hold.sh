#!/bin/sh
# Keeps a session of psql's as long as its lifeline lasts. Runs behind password.sh.
#
#   hold PSQL CONNINFO SCRIPT OPTION…
#
# Each beat that comes over descriptor 7 is a question to the server: psql notices only when it asks that its session is no more,
# and then it ends. When the beats end, it ends too, and with its session all that the session holds. It does not wait inside the
# server, where nobody would notice that it is gone.
trap : HUP INT TERM
psql=$1
conninfo=$2
script=$3
shift 3
{
  trap : HUP INT TERM
  printf '%s\n' "$script"
  while IFS= read -r _ <&7; do
    echo 'SELECT;' || exit
  done
} | "$psql" -XqAtw -v ON_ERROR_STOP=1 "$@" -d "$conninfo"
