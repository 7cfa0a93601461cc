#!/bin/sh
# Dumps a state of the database to descriptor 3 and counts its rows at the same time, while the psql that runs this holds the
# state. Tells both exit statuses on descriptor 8. Its environment is from count.sh.
#
# The pipe between the two carries nothing: it is how a shell waits for both, whatever signal comes.
trap : HUP INT PIPE TERM
{
  trap : HUP INT PIPE TERM
  eval "$HOLDFAST_DUMP" >&3 </dev/null
  echo "dumped=$?" >&8
} | {
  trap : HUP INT PIPE TERM
  printf '%s\n' "$HOLDFAST_COUNTS" |
    "$HOLDFAST_PSQL" -XqAtw -v ON_ERROR_STOP=1 -v mark="$HOLDFAST_MARK" -v snapshot="$HOLDFAST_SNAPSHOT" \
      -d "$HOLDFAST_CONNINFO" >&2
  echo "counted=$?" >&8
}
