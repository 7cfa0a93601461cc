#!/bin/sh
# Writes a consistent copy of a live SQLite database. Stands behind room.sh, tool.sh and claim.sh.
#
#   sh -c DUMP dump PATH FINGERPRINT TOOL PROGRAM TOKEN
#
#   TOKEN   a word that nobody else has, for a claim that keeps restores out; empty for none. Each line on stdin renews it
#
# Tells the facts `progress` (bytes that the tool has read so far, while no byte of the dump flows yet), `quick_check`
# and, when FINGERPRINT is `rows`, `rows`. The copy is unlinked before its first byte is written, so a kill
# that no shell can handle leaves a file only in the time before; `sweep` removes it in the next run.
# shellcheck disable=SC2034,SC2154 # shared with the scripts before
set -u
umask 077
exec 3<&0 </dev/null
path=$1
fingerprint=$2
tool=$3
program=$4
token=$5
claim=
keeper=
copy=
busy=
alone=

tell() {
  printf '\n%s %s %s\n' "$HOLDFAST_MARK" "$1" "$2" >&2
}

fail() {
  printf '%s\n' "$1" >&2
  exit 1
}

leave() {
  status=$?
  trap '' HUP INT PIPE TERM
  [ ! "$busy" ] || end_tool
  # node does not start in a directory that is gone.
  cd /
  [ -z "$copy" ] || discard "$copy"
  [ ! "$alone" ] || tidy
  [ -z "$claim" ] || give_up_claim
  exit "$status"
}

# A signal is lost on a shell that is just becoming the tool, so it is sent until nobody is there to take it.
end_tool() {
  while [ "${!:-}" ] && kill "$!"; do
    sleep 0.1 || sleep 1
  done
} 2>/dev/null

trap leave EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 141' PIPE
trap 'exit 143' TERM

# Where nothing may be written, nobody is kept out; to read is enough for a dump.
claim_file() {
  claims=${1%/*}/.${1##*/}.holdfast-
  sweep_claims "$claims"
  claim=${claims}backup-$token
  if (set -C && : >"$claim") 2>/dev/null; then
    keep_claim &
    keeper=$!
  else
    claim=
  fi
  ! at_work "${claims}restore-" || fail "a restore of $path is at work, which gave a sign $age s ago"
}

# It bears no children, so that one signal ends it whatever it is at. To empty a file renews it.
keep_claim() {
  exec <&3 3<&- >/dev/null 2>&1
  while IFS= read -r _ && [ -e "$claim" ]; do
    : >"$claim"
  done
}

give_up_claim() {
  [ -z "$keeper" ] || kill -KILL "$keeper" && wait "$keeper"
  rm -f -- "$claim"
} 2>/dev/null

# Makes the directory of the copy where there is room, the database's own directory first, and goes there.
settle() {
  need=$(room_for "$(bytes_of "$1")") || fail "the size of $1 cannot be read"
  for place in "${1%/*}" "${TMPDIR:-/tmp}"; do
    sweep "$place"
    fits "${place:-/}" "$need" || continue
    copy=$place/.holdfast-sqlite-$(own_mark)
    mkdir -- "$copy" 2>/dev/null && cd -- "$copy" && return
    copy=
    cramped="${cramped:-}${cramped:+, }$place cannot be written to"
  done
  fail "no room for a copy of $need KiB: $cramped"
}

bytes_read() {
  while read -r name bytes; do
    [ "$name" != rchar: ] || echo "$bytes"
  done <"/proc/$1/io"
} 2>/dev/null

# Runs the tool and tells its progress, which ceases when the tool hangs. A small database does not wait a second.
attend() {
  busy=true
  tool "$@" &
  for nap in 0.05 0.1 0.2 0.4; do
    ! kill -0 "$!" 2>/dev/null || sleep "$nap" 2>/dev/null
  done
  seen=
  while kill -0 "$!" 2>/dev/null; do
    now=$(bytes_read "$!")
    [ "$now" = "$seen" ] || tell progress "$now"
    seen=$now
    sleep 1
  done
  wait "$!"
  set -- "$?"
  busy=
  return "$1"
}

check() {
  # An old row that breaks a younger CHECK is the application's affair, and a CHECK may call functions of its own.
  attend ask "$1" 'PRAGMA ignore_check_constraints = ON' 'PRAGMA quick_check(10)' >found ||
    echo 'it could not be finished' >>found
  verdict=$(cat found)
  tell quick_check "${verdict%%
*}"
  [ "$verdict" = ok ] || fail "quick_check does not pass the copy: $verdict"
}

# Virtual tables have no root page, and their module may be missing here; what they store lies in tables that have.
tables="SELECT name FROM sqlite_master WHERE type = 'table' AND rootpage > 0
  AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY name"

count_rows() {
  attend count "$1" "$tables" >counts || fail 'the rows of the copy could not be counted'
  [ "$(tail -n 1 counts)" = end ] || fail 'the row counts could not be written to disk'
  while read -r row && [ "$row" != end ]; do
    tell rows "$row"
  done <counts
}

file=$(canonical "$path") || fail "$path: no such file"
file=${file%??}
[ -z "$token" ] || claim_file "$file"
exec 3<&-
settle "$file"
uri=$(uri_of "$file") || fail "$path: its name cannot be encoded"
[ -e "$file-shm" ] || alone=true
attend copy "$uri" copy.db || fail "$path could not be copied"
alone=
[ -s copy.db ] || fail "the copy of $path is empty"
snapshot='file:copy.db?immutable=1'
check "$snapshot"
[ "$fingerprint" = none ] || count_rows "$snapshot"
exec <copy.db
cd /
discard "$copy" || fail "$copy could not be removed"
copy=
cat
