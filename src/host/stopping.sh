#!/bin/sh
# Stops containers until it is told to start them again, or until nobody is left who could tell.
#
#   stopping IDS COMMAND...
#
#   IDS       of the containers, with spaces between
#   COMMAND   the engine's command line: `docker`, `sudo docker`
#
# stdout: `stopped` once all are. stdin: the line `start`. The exit status is that of starting.
ids=$1
shift

# In a session of its own where setsid is: whoever ends this script must not end the start, nor keep it from the last one.
apart=
! command -v setsid >/dev/null || apart=setsid

finish() {
  status=$?
  trap '' HUP INT PIPE TERM
  # shellcheck disable=SC2086 # an id a word
  $apart "$@" start $ids >/dev/null || exit 1
  exit "$status"
}

trap 'exit 143' HUP INT PIPE TERM
trap 'finish "$@"' EXIT
# shellcheck disable=SC2086
"$@" stop $ids >/dev/null || exit 1
echo stopped
line=
while [ "$line" != start ] && IFS= read -r line; do :; done
