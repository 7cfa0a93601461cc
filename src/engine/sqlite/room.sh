#!/bin/sh
# Where the copy of a database goes, and whose it is.
#
# A copy lies in a directory of its own, `.holdfast-sqlite-WORLD-PID-START`: WORLD is the boot and the PID namespace of
# the run that made it, START when its shell started. A run that was killed cannot remove its copy; the next run
# sees by these that nobody is left.

# The canonical path of a file, then one `.`, which keeps line ends at the end of a name through `$(…)`.
canonical() {
  readlink -f -- "$1" && echo .
}

# Bytes of a database with what its write-ahead log holds besides: no copy is larger.
bytes_of() {
  bytes=$(stat -c %s -- "$1") || return
  [ ! -f "$1-wal" ] || bytes=$((bytes + $(stat -c %s -- "$1-wal" || echo 0)))
  echo "$bytes"
}

# KiB that a copy of so many bytes takes, with a margin.
room_for() {
  echo $((($1 + $1 / 10) / 1024 + 1024))
}

# KiB that are free where a directory lies.
free_in() {
  LC_ALL=C df -Pk -- "$1" | {
    read -r _
    read -r _ _ _ free _
    echo "${free:-0}"
  }
}

# Whether so many KiB fit into a directory; otherwise $cramped says what is missing.
fits() {
  free=$(free_in "$1" 2>/dev/null)
  [ "${free:-0}" -lt "$2" ] || return 0
  cramped="${cramped:-}${cramped:+, }$1 has ${free:-0} KiB free"
  return 1
}

world() {
  read -r boot </proc/sys/kernel/random/boot_id
  namespace=$(readlink /proc/self/ns/pid)
  namespace=${namespace#*[}
  echo "${boot%%-*}.${namespace%]}"
} 2>/dev/null

# When a process started, in clock ticks since the boot; nothing when there is none, or only a zombie that nobody
# waits for. These are the fields after the name in parentheses, which may hold anything (proc(5)).
started() {
  read -r line <"/proc/$1/stat" || return 0
  # shellcheck disable=SC2086 # split into fields
  set -- ${line##*) }
  [ "$1" = Z ] || echo "${20}"
} 2>/dev/null

own_mark() {
  echo "$(world)-$$-$(started $$)"
}

# Whether the run that made a copy may still be at work. In another world that cannot be seen, so it has a day.
owned() {
  mark=${1##*/.holdfast-sqlite-}
  start=${mark##*-}
  mark=${mark%-*}
  if [ "${mark%-*}" = "$(world)" ]; then
    [ "$(started "${mark##*-}")" = "$start" ]
  else
    [ -z "$(find "$1" -prune -mtime +0)" ]
  fi
}

# Removes the directory of a copy. Never recursively, and only where the current directory is truly one of a copy,
# whatever the caller's words have become: live databases lie next to it.
discard() {
  (
    cd -P -- "$1" || exit
    case $(pwd -P) in
    */.holdfast-sqlite-?*) rm -f -- ./* ;;
    esac
  )
  rmdir -- "$1"
} 2>/dev/null

# Removes what killed runs left in a directory.
sweep() {
  for left in "$1"/.holdfast-sqlite-*; do
    [ ! -d "$left" ] || owned "$left" || discard "$left"
  done
}
