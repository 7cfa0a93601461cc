#!/bin/sh
# Makes a database, fills it with a dump, looks at what it holds, and drops it again: when the dump cannot be restored, and as
# soon as its lifeline ends. So nothing is left of a restore whose runner is gone. Whoever wants to keep the database renames it
# meanwhile, and may then say `leave` on stdin: there is nothing to drop. Runs behind password.sh and watch.sh.
#
#   guard PSQL CONNINFO COPY PREPARE PIPELINE FINISH CONTENTS STATISTICS STANDING DROP DISKS RESERVE ALIVE GIVE_UP OPTION…
#
#   COPY      connection to the database that is made; CONNINFO is that to another one
#   PREPARE   SQL that creates the database
#   PIPELINE  shell text: `link COMMAND…`, joined by `|`; the first reads the dump
#   FINISH    SQL, from beside, for the database once it is filled
#   CONTENTS, STATISTICS, STANDING
#             SQL that prints what it holds; that prepares it for the planner; that prints, from beside, which databases there are
#   DROP      SQL that drops it if it is still there
#   DISKS…    as watch.sh says
#
# stdout: `pipe PATH`, to which carry.sh then writes the dump; `staged` when all of it is there; `holds` before each line of
# CONTENTS, `standing` before that of STANDING, `statistics` and what was wrong with STATISTICS, if anything; then `known`. And what
# watch.sh says, between any two lines: so each is written at once.
# The dump comes by a command of its own, since the lines of a lifeline cannot carry it; and that command has no beats, since
# its stdin is the dump. A link that falls silent would leave it, and what reads it, waiting for ever. So it only hands
# bytes on, and this one, which is told when the link is dead, ends it.
trap : HUP INT TERM
psql=$1
conninfo=$2
copy=$3
prepare=$4
pipeline=$5
finish=$6
contents=$7
statistics=$8
standing=$9
shift 9
drop=$1
disks=$2
reserve=$3
alive=$4
give_up=$5
shift 5
watcher=
gatherer=
room=
fifo=
carrier=

# ask CONNINFO SCRIPT OPTION…
ask() {
  place=$1
  script=$2
  shift 2
  printf '%s\n' "$script" | "$psql" -XqAtw -v ON_ERROR_STOP=1 "$@" -d "$place"
}

# What begins to drop is not told to end: it ends soon, and the database with it.
clear() {
  trap '' HUP INT TERM
  [ -z "$room" ] || rm -r "$room"
  {
    case $(readlink "/proc/$carrier/fd/1") in
    "${fifo:-none}"*) kill -TERM "$carrier" ;;
    esac
    [ -z "$watcher" ] || kill "$watcher"
    [ -z "$gatherer" ] || ask "$conninfo" "$give_up" "$@"
    wait
  } >&2 2>/dev/null
  [ -z "$drop" ] || ask "$conninfo" "$drop" "$@" >&2
}
trap 'clear "$@"' EXIT

open_pipe() {
  for place in /dev/shm "${TMPDIR:-/tmp}" /tmp; do
    room=$(mktemp -d "$place/holdfast.XXXXXX" 2>/dev/null) && break
  done
  [ -n "$room" ] || {
    echo 'neither /dev/shm nor /tmp can be written to, where the dump would pass through' >&2
    return 1
  }
  fifo=$room/dump
  # Opened for both ways it waits for nobody.
  mkfifo "$fifo" && exec 5<>"$fifo" && echo "pipe $fifo"
}

# The carrier's process id goes first. A shell that waits in `read` may miss a signal; its child does not.
meet_carrier() {
  carrier=$(IFS= read -r line <&5 && echo "$line")
  exec 6<"$fifo" 5<&-
  rm -r "$room"
  room=
  case $carrier in
  '' | *[!0-9]*) return 1 ;;
  esac
}

# Runs a command of the pipeline, and tells over descriptor 4 when it fails.
link() {
  trap : HUP INT TERM
  "$@" 4>&- 7<&-
  set -- "$?" "$1"
  [ "$1" = 0 ] || echo "${2##*/}: exit status $1" >&4
  return "$1"
}

# Before there is the pipe, which it must not hold open. psql's end, which is the job's process, is soon that of all of it.
start_watching() {
  looks "$disks" "$reserve" "$alive" "$give_up" 7<&- | "$psql" -XqAtw "$@" -d "$conninfo" 7<&- &
  watcher=$!
}

gather() {
  trap : HUP INT TERM
  complaints=$(ask "$copy" "$statistics" 2>&1 >/dev/null) && complaints=
  printf 'statistics %.999s\n' "$(printf %s "$complaints" | tr '\n' ' ')"
  databases=$(ask "$conninfo" "$standing") && printf 'standing %s\n' "$databases"
}

# To count reads all of it, so the rest is done meanwhile.
look() {
  gather 7<&- &
  gatherer=$!
  held=$(ask "$copy" "$contents") && wait "$gatherer" || return
  gatherer=
  printf '%s\n' "$held" | while IFS= read -r line; do printf 'holds %s\n' "$line"; done
}

# A database that is made and not yet marked would be nobody's, so who makes it is not told to end either.
(
  trap '' HUP INT TERM
  ask "$conninfo" "$prepare" "$@" >&2
) || exit
start_watching "$@"
open_pipe || exit
meet_carrier || exit
failures=$(eval "$pipeline" 4>&1 >&2 <&6)
[ -z "$failures" ] || {
  printf '%s\n' "$failures" >&2
  exit 1
}
exec 6<&-
ask "$conninfo" "$finish" "$@" >&2 || exit
echo staged
look || exit
echo known
while IFS= read -r line <&7; do
  [ "$line" = leave ] || continue
  drop=
  exit
done
