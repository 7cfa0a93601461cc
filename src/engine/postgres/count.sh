#!/bin/sh
# Runs a dump and counts the rows of the very state of the database that it dumps. Runs behind password.sh.
#
#   count PSQL CONNINFO LOCK_TIMEOUT STATE COUNTS WORK DUMP
#
#   LOCK_TIMEOUT  how long to wait for a table lock, as PostgreSQL writes times
#   STATE         what the psql does that holds the state and runs the WORK, which is count-work.sh
#   COUNTS        what the psql does that counts
#   DUMP          shell text that dumps the state named by HOLDFAST_SNAPSHOT
#
# stdout is the dump alone. The exit status is the dump's, or else the count's, or else psql's.
# When the process group is told to end, the shells stay until what they run has ended: an orphan that a signal kills
# would be reaped by process 1, which in a container is the PostgreSQL server itself, and that takes it for
# one of its own processes, crashed, and restarts them all.
HOLDFAST_PSQL=$1
HOLDFAST_CONNINFO=$2
HOLDFAST_COUNTS=$5
HOLDFAST_WORK=$6
HOLDFAST_DUMP=$7
export HOLDFAST_PSQL HOLDFAST_CONNINFO HOLDFAST_COUNTS HOLDFAST_WORK HOLDFAST_DUMP
trap : HUP INT TERM
exec 3>&1
# psql's exit status says nothing about what it runs: that comes over descriptor 8.
told=$(
  trap : HUP INT TERM
  printf '%s\n' "$4" | "$1" -XqAtw -v ON_ERROR_STOP=1 -v lock_timeout="$3" -d "$2" 8>&1 >&2
)
held=$?
dumped=1
counted=1
eval "$told"
[ "$dumped" = 0 ] || exit "$dumped"
[ "$counted" = 0 ] || exit "$counted"
exit "$held"
