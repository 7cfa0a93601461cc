#!/bin/sh
# Runs a pipeline that cannot outlive the machine it works for.
#
#   sh -c LIFELINE lifeline MARK SILENCE PIPELINE
#
#   MARK      an unguessable word: every fact told on stderr is a line `MARK NAME TEXT`
#   SILENCE   seconds without a line on stdin after which the far side counts as gone
#   PIPELINE  shell text: `stage ID COMMAND…` and `count ID`, joined by `|`
#
# stdin carries the lines that the first stage wants (its secrets) and then an empty line, a beat, every few
# seconds; all of them are handed on to the first stage, which may be a lifeline too, one wall further in.
# When stdin ends, or nothing comes for SILENCE seconds, the whole process group is told to end, and killed if it
# has not ended 5 seconds later. sshd and container engines start every command in a group of its own.
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
  { stage "$1" tee /dev/fd/5 5>&1 >&4 | tell bytes "$(wc -c)"; } 4>&1
}

# What happens, a line an event. Nothing here may be left to PID 1, which in a container often reaps nobody:
# every child is waited for.
events() {
  trap '' TERM
  tick &
  listen "$!" &
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
  echo "pids $1 $(exec sh -c 'echo "$PPID"')"
  while IFS= read -r text <&3; do
    printf 'line %s\n' "$text"
  done
  echo gone
}

# Reads events, writes the lines for the first stage. A first stage that no longer reads must not end it.
relay() {
  trap '' TERM PIPE
  quiet=0
  limit=$silence
  while IFS= read -r event; do
    case $event in
    tick) quiet=$((quiet + 1)) ;;
    gone) quiet=$limit ;;
    pids*) echo "${event#pids }" ;;
    *)
      quiet=0
      printf '%s\n' "${event#line }"
      ;;
    esac
    [ "$quiet" -lt "$limit" ] || end_group
  done 2>/dev/null
}

# The first time it asks, the second time, 5 ticks later, it kills.
end_group() {
  [ "$limit" != 5 ] || kill -KILL 0
  exec >/dev/null
  limit=5
  quiet=0
  kill -TERM 0
}

trap : TERM
events | relay | {
  trap : TERM
  read -r ticker listener
  eval "$pipeline"
  kill -HUP "$ticker" "$listener" 2>/dev/null
}
