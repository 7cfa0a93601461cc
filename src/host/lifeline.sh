#!/bin/sh
# Runs a pipeline that cannot outlive the machine it works for.
#
#   sh -c LIFELINE lifeline MARK SILENCE PIPELINE
#
#   MARK      an unguessable word: every fact told on stderr is a line `MARK NAME TEXT`
#   SILENCE   seconds without a line on stdin after which the far side counts as gone
#   PIPELINE  shell text: `stage ID COMMAND…` and `count ID`, joined by `|`, or answering.sh
#
# stdin carries the lines that the first stage wants (its secrets) and then an empty line, a beat, every few
# seconds; all of them are handed on to the first stage, which may be a lifeline too, one wall further in.
# When stdin ends, or nothing comes for SILENCE seconds, the pipeline is told to end, and killed if it has not ended
# 5 seconds later.
#
# No process may be left to PID 1 on the way: in a container it may reap nobody, or be a server that takes any child
# that died of a signal for one of its own. PostgreSQL then ends all sessions and recovers as after a crash
# (HandleChildCrash in postmaster.c, up to version 17). So only processes without children are ever told to end; their
# parents see it, reap them and go the same way.
#
# The pipeline's success is not in the exit status, which a shell without `pipefail` cannot give, but in the facts:
# each stage tells `exit ID STATUS`.
set -u
HOLDFAST_MARK=$1
silence=$2
pipeline=$3
export HOLDFAST_MARK
exec 3<&0 </dev/null

tell() {
  printf '\n%s %s\n' "$HOLDFAST_MARK" "$*" >&2
}

# Runs a command as a link of the pipeline. It stays until its command has cleaned up, also after a TERM.
stage() {
  trap : TERM
  id=$1
  shift
  "$@" 3<&-
  tell exit "$id" "$?"
}

# A stage that hands stdin on to stdout and tells how many bytes it was.
count() {
  trap : TERM
  {
    stage "$1" tee /dev/fd/5 5>&1 >&4 | {
      trap : TERM
      tell bytes "$(wc -c)"
    }
  } 4>&1
}

# What happens, a line an event.
events() {
  trap '' TERM
  read -r events _ </proc/self/stat
  tick &
  listen "$events" "$!" &
  wait
} 2>/dev/null

tick() {
  nap=
  trap '[ -z "$nap" ] || kill -HUP "$nap"; wait; exit' HUP
  while :; do
    sleep 1 &
    nap=$!
    wait "$nap"
    echo tick
  done
}

# The process ids go first, told by the listener itself: the first line belongs to `read` below, and all others to
# the first stage.
listen() {
  read -r listener _ </proc/self/stat
  echo "pids $1 $2 $listener"
  while IFS= read -r text <&3; do
    printf 'line %s\n' "$text"
  done
  echo gone
}

# Reads events, writes the lines for the first stage. A first stage that no longer reads must not end it.
relay() {
  trap '' TERM PIPE
  read -r relay _ </proc/self/stat
  quiet=0
  ending=
  while IFS= read -r event; do
    case $event in
    tick)
      quiet=$((quiet + 1))
      ending=${ending:+$((ending + 1))}
      ;;
    gone) quiet=$silence ;;
    pids*)
      pids=${event#pids }
      events=${pids%% *}
      echo "${pids#* }"
      ;;
    *)
      quiet=0
      printf '%s\n' "${event#line }"
      ;;
    esac
    [ "$ending" ] || [ "$quiet" -lt "$silence" ] || {
      ending=1
      exec >/dev/null
    }
    [ -z "$ending" ] || end_pipeline
  done 2>/dev/null
}

# Asks the processes at the ends of the tree, second by second, later kills them. A process that is stopped bears no
# children between the look and the signal. The last resort, for what bears children without end, is to kill all.
end_pipeline() {
  [ "$ending" -lt 10 ] || kill -KILL 0
  signal=TERM
  [ "$ending" -lt 6 ] || signal=KILL
  leaves=$(leaves)
  # shellcheck disable=SC2086 # a word each
  [ -z "$leaves" ] || kill -STOP $leaves
  for pid in $(leaves); do
    case " $leaves " in *" $pid "*) kill "-$signal" "$pid" ;; esac
  done
  # shellcheck disable=SC2086
  [ -z "$leaves" ] || kill -CONT $leaves
}

# The descendants of this shell that have no children, but for those that watch, in one line.
leaves() {
  family=$(family)
  found=$(leaves_of "$$")
  # shellcheck disable=SC2086
  echo $found
}

leaves_of() (
  leaf=$1
  for member in $family; do
    [ "${member#*:}" != "$1" ] || {
      leaf=
      leaves_of "${member%:*}"
    }
  done
  [ -z "$leaf" ] || [ "$leaf" = "$$" ] || echo "$leaf"
)

# The living processes of this group, `PID:PARENT` each; in /proc/PID/stat (proc(5)) the name may hold anything.
family() {
  for stat in /proc/self/stat /proc/[0-9]*/stat; do
    read -r line <"$stat" || continue
    pid=${line%% *}
    # shellcheck disable=SC2086 # split into fields
    set -- ${line##*) }
    group=${group:-$3}
    [ "$1" = Z ] || [ "$3" != "$group" ] || [ "$pid" = "$relay" ] || [ "$pid" = "$events" ] ||
      echo "$pid:$2"
  done
}

trap : TERM
events | relay | {
  trap : TERM
  read -r ticker listener
  eval "$pipeline"
  kill -HUP "$ticker" "$listener" 2>/dev/null
}
