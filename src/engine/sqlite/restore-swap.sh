#!/bin/sh
# Puts one file in the place of a database. Stands behind room.sh, tool.sh and restore-place.sh.
#
#   sh -c SWAP swap PATH SOURCE KEPT TOKEN EXPECT OWNER MODE TOOL PROGRAM
#
#   SOURCE   tag of the file that becomes the database; empty to leave none
#   KEPT     tag under which the present one stays; empty to drop it
#   TOKEN    of the lock that must be held; empty for none
#   EXPECT   `absent` when there must be no database yet
#   OWNER    `UID:GID` and
#   MODE     of a staged file when there is no database to take them from; either may be empty
#   TOOL     with its PROGRAM, writes into the files what write-ahead logs and journals hold; empty to move these along
#
# Prints `kept` when it has kept one. When somebody has the database open it prints `open PID NAME` and exits with 3.
#
# Whenever this ends, there is a whole database under PATH: the present one gets a second name first, and the new one then
# takes its place in one step. Only where a file cannot have two names is there none in between.
# shellcheck disable=SC2034,SC2154 # shared with the scripts before
set -u
exec </dev/null
# Half of it is worse than any delay.
trap '' HUP INT PIPE TERM
enter "$1" || fail "$1: its directory cannot be entered"
named "$2"
source=${2:+$name}
named "$3"
kept=${3:+$name}
tool=$8
program=$9

in_use() {
  printf 'open %s\n' "$1"
  exit 3
}

# The present owner and mode, or those that were when there is none.
dress() {
  owner=$1
  mode=$2
  if [ -e "./$base" ]; then
    owner=$(stat -c %u:%g -- "./$base") || fail "$base cannot be looked at"
    mode=$(stat -c %a -- "./$base")
  fi
  [ "${owner:-$(stat -c %u:%g .)}" = "$(stat -c %u:%g -- "./$source")" ] ||
    chown -- "${owner:-$(stat -c %u:%g .)}" "./$source" || [ ! -e "./$base" ] || fail "its owner cannot be restored"
  [ -z "$mode" ] || chmod -- "$mode" "./$source" || fail "its mode cannot be restored"
  flush "./$source"
}

# Writes what lies beside a database into it. The last one to close a database removes its -shm; so when that stays,
# somebody whom /proc does not show has it open.
fold() {
  [ "$tool" ] || return 0
  [ -e "./$1-wal" ] || [ -e "./$1-shm" ] || [ -s "./$1-journal" ] || return 0
  uri=$(uri_of "${file%/*}/$1") || return 0
  if said=$(tool ask "$uri" 'SELECT count(*) FROM sqlite_master' 'PRAGMA wal_checkpoint(TRUNCATE)' 2>&1); then
    [ ! -e "./$1-shm" ] || in_use 'somebody who cannot be seen from here'
  else
    case $said in
    *locked*) in_use 'somebody who holds a lock' ;;
    esac
  fi
}

# Gives a file a second name, or another one where it cannot have two.
keep() {
  ln -- "./$1" "./$2" 2>/dev/null || mv -- "./$1" "./$2"
}

keep_present() {
  [ ! -e "./$kept" ] || fail "$kept is there already"
  keep "$base" "$kept" || give_back "$kept cannot be made"
  for part in -wal -journal; do
    [ ! -s "./$base$part" ] || keep "$base$part" "$kept$part" || give_back "$kept$part cannot be made"
  done
  echo kept
}

give_back() {
  for part in '' -wal -journal; do
    [ "$kept" ] || break
    [ -e "./$kept$part" ] || continue
    if same "./$base$part" "./$kept$part"; then
      rm -f -- "./$kept$part"
    else
      mv -f -- "./$kept$part" "./$base$part"
    fi
  done
  fail "$1"
}

take_place() {
  mv -f -- "./$source" "./$base" || give_back "$source cannot be renamed"
  for part in -wal -journal; do
    [ ! -s "./$source$part" ] || mv -f -- "./$source$part" "./$base$part"
  done
  rm -f -- "./$source-wal" "./$source-shm" "./$source-journal"
}

[ -z "$4" ] || [ -e "./.$base.holdfast-restore-$4" ] || fail 'the lock of this restore is gone'
[ -z "$source" ] || [ -f "./$source" ] || fail "$source is gone"
[ "$5" != absent ] || [ ! -e "./$base" ] || fail "$base is there meanwhile"
[ ! -e "./$base" ] || {
  users=$(users_of "./$base")
  [ -z "$users" ] || in_use "$users"
}
case $2 in restoring-*) dress "$6" "$7" ;; esac
[ -z "$source" ] || fold "$source"
[ -z "$kept" ] || [ ! -e "./$base" ] || fold "$base"
[ -z "$kept" ] || [ ! -e "./$base" ] || keep_present
rm -f -- "./$base-wal" "./$base-shm" "./$base-journal"
if [ "$source" ]; then take_place; else rm -f -- "./$base" || fail "$base cannot be removed"; fi
flush .
