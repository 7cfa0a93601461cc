#!/bin/sh
# Stages what comes on stdin beside a database. Stands behind room.sh and restore-place.sh.
#
#   sh -c STAGE stage PATH TAG TOKEN DECODERS
#
#   TOKEN      of the lock that the run holds
#   DECODERS   shell text that follows a command: a `| link ID COMMAND…` for each
#
# Prints `ID STATUS` for each link of the pipeline, the first one being 0, and then, when the copy is on disk, `bytes N`.
# A stdin that was cut off looks like one that has ended. Therefore nothing counts but what the runner makes of it; and
# when the lock is gone, nobody is there who could.
# shellcheck disable=SC2154 # shared with the scripts before
set -u
umask 077
exec 3<&0 </dev/null
enter "$1" || fail "$1: its directory cannot be entered"
named "$2"
staged=$name
claim=./.$base.holdfast-restore-$3
whole=

leave() {
  status=$?
  trap '' HUP INT PIPE TERM
  [ "$whole" ] || rm -f -- "./$staged"
  exit "$status"
}

trap 'exit 143' HUP INT PIPE TERM
trap leave EXIT

still_locked() {
  [ -e "$claim" ] || fail 'the lock of this restore is gone'
}

# A link whose stdin may hang for ever on a frozen connection: it ends with the lock.
source_bytes() (
  cat <&3 5>&- &
  cat=$!
  exec >/dev/null 3<&-
  while sleep 0.1 2>/dev/null || sleep 1; kill -0 "$cat"; do
    [ -e "$claim" ] || kill "$cat"
  done 2>/dev/null
  wait "$cat"
  echo "0 $?" >&5
)

link() {
  id=$1
  shift
  "$@" 3<&- 5>&-
  echo "$id $?" >&5
}

sweep_staged
sweep_twins
(set -C && : >"./$staged") || fail "$staged cannot be made"
still_locked
statuses=$(eval "source_bytes $4" 5>&1 >"./$staged")
printf '%s\n' "$statuses"
case "
$statuses" in
*"
"*' '[1-9]*) exit 1 ;;
esac
[ "$(dd bs=15 count=1 2>/dev/null <"./$staged")" = 'SQLite format 3' ] || fail 'not a SQLite database, or an encrypted one'
flush "./$staged" || fail "$staged could not be written to disk"
still_locked
printf 'bytes %s\n' "$(stat -c %s -- "./$staged")"
whole=yes
