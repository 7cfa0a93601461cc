#!/bin/sh
# Hands stdin on to stdout and writes it to a file meanwhile, as long as the disk has room for it: a copy is worth less than
# what else lives on that disk, and than the backup.
#
#   copy DIRECTORY PART BYTES IDLE
#
#   PART    the name of the file, which a later command gives its own
#   BYTES   how large the copy is likely to be; 0 when nobody knows
#   IDLE    how many minutes a PART of another run must have rested to be a killed one's
#
# fact: `uncopied WHY`, when it has given up
directory=$1
part=$1/$2
likely=$(($3 / 1024))
idle=$4

tell() {
  printf '\n%s %s\n' "$HOLDFAST_MARK" "$*" >&2
}

# KiB of the disk, and KiB that are free on it.
disk() {
  LC_ALL=C df -Pk -- "$directory" | {
    read -r _
    read -r _ size _ free _
    echo "$size" "$free"
  }
}

# A twentieth of the disk stays free, 512 MiB at least and 10 GiB at most, but no more than half of a small disk.
reserve_of() {
  reserve=$(($1 / 20))
  [ "$reserve" -ge 524288 ] || reserve=524288
  [ "$reserve" -le 10485760 ] || reserve=10485760
  [ "$reserve" -le $(($1 / 2)) ] || reserve=$(($1 / 2))
  echo "$reserve"
}

free() {
  # shellcheck disable=SC2046 # a word each
  set -- $(disk)
  echo "${2:-0}"
}

# Ends the writer when the disk runs low. It goes when the writer has: the signal that says so at once can be lost, while a shell
# that was just forked still has its parent's traps.
watch() {
  nap=
  trap '[ -z "$nap" ] || kill -HUP "$nap"; wait; exit' HUP
  while kill -0 "$1" && [ "$(free)" -ge "$reserve" ]; do
    sleep 1 &
    nap=$!
    wait "$nap"
  done 2>/dev/null
  kill "$1" 2>/dev/null
}

# Writes stdin to the file; what comes after it has given up is read all the same.
keep() {
  trap : HUP INT TERM
  exec 7<&0
  cat <&7 >"$part" &
  writer=$!
  watch "$writer" &
  watcher=$!
  wait "$writer"
  written=$?
  kill -HUP "$watcher" 2>/dev/null
  wait "$watcher"
  [ "$written" != 0 ] || return 0
  rm -f -- "$part"
  tell uncopied "the disk of $directory has only $(free) KiB left, and $reserve are to stay free"
  cat <&7 >/dev/null
}

umask 077
if ! mkdir -p -- "$directory"; then
  tell uncopied "$directory cannot be made"
  exec cat
fi
find "$directory" -maxdepth 1 -type f -name '.*.holdfast-copy-*' -mmin "+$idle" -exec rm -f -- {} +
# shellcheck disable=SC2046 # a word each
set -- $(disk)
reserve=$(reserve_of "${1:-0}")
if [ $((${2:-0} - reserve)) -lt "$likely" ]; then
  tell uncopied "it needs about $likely KiB, the disk of $directory has ${2:-0} KiB free, and $reserve are to stay free"
  exec cat
fi

trap : HUP INT TERM
exec 4>&1
passed=$({
  {
    tee /dev/fd/5 5>&1 >&4 4>&-
    echo "$?" >&6
  } | keep >&2 4>&- 6>&-
} 6>&1)
[ "$passed" = 0 ] || rm -f -- "$part"
exit "${passed:-1}"
