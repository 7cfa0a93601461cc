#!/bin/sh
# Checks a database and counts its rows. Stands behind room.sh, tool.sh and restore-place.sh.
#
#   sh -c VERIFY verify PATH TAG JOURNAL TOOL PROGRAM
#
#   TAG       of a staged copy, which nobody else opens; empty for the live database, whose rows are not counted
#   JOURNAL   the mode that a sound copy gets, `wal` or `delete`; empty to leave it
#
# Prints `check PRAGMA`, then `said LINE` for each line that the check printed, `row JSON` for each table, and `end`.
# shellcheck disable=SC2034,SC2154 # shared with the scripts before
set -u
umask 077
exec </dev/null
enter "$1" || fail "$1: its directory cannot be entered"
named "$2"
tag=$2
journal=$3
tool=$4
program=$5
scratch=

leave() {
  status=$?
  trap '' HUP INT PIPE TERM
  cd /
  [ -z "$scratch" ] || discard "$scratch"
  exit "$status"
}

trap 'exit 143' HUP INT PIPE TERM
trap leave EXIT

# An old row that breaks a younger CHECK is the application's affair, and a CHECK may call functions of its own.
judge() {
  (tool ask "$1" 'PRAGMA ignore_check_constraints = ON' "PRAGMA $2(10)") 2>&1
}

# What an index is made by may be known to the application alone.
check() {
  pragma=integrity_check
  verdict=$(judge "$1" integrity_check) || case $verdict in
  *'no such function'* | *'no such collation'* | *'no such module'*)
    pragma=quick_check
    verdict=$(judge "$1" quick_check)
    ;;
  esac
  printf 'check %s\n' "$pragma"
  printf '%s\n' "${verdict:-it could not be finished}" | sed 's/^/said /'
  [ "$verdict" = ok ]
}

tables="SELECT name FROM sqlite_master WHERE type = 'table' AND rootpage > 0
  AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY name"

# The sqlite3 shell wants a directory for its queries.
count_rows() {
  sweep .
  scratch=${file%/*}/.holdfast-sqlite-$(own_mark)
  mkdir -- "$scratch" || { scratch=; return 1; }
  cd -- "$scratch" || return
  (tool count "$1" "$tables") >counts || return
  [ "$(tail -n 1 counts)" = end ] && sed '$d;s/^/row /' counts
}

set_journal() {
  now=$(tool ask "$1" 'PRAGMA journal_mode') || return
  [ "$now" = "$journal" ] || [ "$(tool ask "$1" "PRAGMA journal_mode = $journal")" = "$journal" ]
}

uri=$(uri_of "${file%/*}/$name") || fail "$name cannot be encoded"
if [ -z "$tag" ]; then
  check "$uri"
else
  snapshot="${uri%mode=rw}mode=ro&immutable=1"
  if check "$snapshot"; then
    count_rows "$snapshot" || fail 'the rows could not be counted'
    [ -z "$journal" ] || set_journal "$uri" || fail "the journal mode $journal could not be set"
    flush "${file%/*}/$name"
  fi
fi
echo end
