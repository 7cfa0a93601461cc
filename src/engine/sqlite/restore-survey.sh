#!/bin/sh
# Looks at the place of a restore and leaves it as it was. Stands behind room.sh, tool.sh and restore-place.sh.
#
#   sh -c SURVEY survey PATH BYTES OWNER PYTHON NODE
#
#   BYTES   of the dump, 0 when nobody knows
#   OWNER   `UID:GID` of the restored file when there is none to replace; may be empty
#
# Prints lines `NAME VALUE`; `refused REASON TEXT` ends it. See restore-survey.ts.
# shellcheck disable=SC2034,SC2154 # shared with the scripts before
set -u
exec </dev/null

say() {
  printf '%s %s\n' "$1" "$(printf %s "$2" | tr '\n' ' ')"
}

refuse() {
  say refused "$1 $2"
  exit 0
}

hex() {
  printf %s "$1" | od -An -v -tx1 | tr -d ' \n'
}

whoami() {
  id -un 2>/dev/null || id -u
}

go_there() {
  said=$(LC_ALL=C ls -d -- "${1%/*}/" 2>&1) || case $said in
  *[Pp]ermission*) refuse denied "$(whoami) may not look into its directory" ;;
  *) refuse absent 'its directory does not exist' ;;
  esac
  enter "$1" 2>/dev/null || refuse denied "$(whoami) may not enter its directory"
  say uid "$(id -u)"
  say directory "$(stat -c %d:%i .)"
  say home "$(stat -c %u:%g .)"
  say path "$(hex "$file")"
  # Its target in the container is another one on the host.
  [ ! -L "$path" ] || case $(readlink "$path") in
  /*) say link absolute ;;
  esac
}

# The 19th byte of a database tells its journal mode (https://sqlite.org/fileformat.html#file_format_version_numbers).
look_at_live() {
  [ -e "./$base" ] || return 0
  [ -f "./$base" ] || refuse kind 'not a file'
  say live "$(stat -c '%s %u:%g' -- "./$base")"
  case $(dd bs=1 skip=18 count=1 2>/dev/null <"./$base" | od -An -tu1) in
  *1) say journal delete ;;
  *2) say journal wal ;;
  esac
  users_of "./$base" | while read -r user; do say open "$user"; done
}

look_for_kept() {
  # shellcheck disable=SC2027,SC2231 # a pattern
  for kept in "./${stem}_before_"$stamp"$extension"; do
    [ -f "$kept" ] || continue
    ! is_twin "$kept" || continue
    kept=${kept%"$extension"}
    say kept "${kept##*_before_}"
  done
}

# Does to an empty file what a restore does, under a name of the greatest length that one has. The file is there for a
# moment: nothing may end us, or what we run, before it is gone.
try_out() {
  trap '' HUP INT PIPE TERM
  trial=./.$base.restoring-trial-$(printf %017d $$)
  said=$( (umask 077 && set -C && : >"$trial") 2>&1) || refuse denied "$(whoami) may not write there: $said"
  if [ -e "./$base" ]; then owner=$(stat -c %u:%g -- "./$base"); fi
  said=$(chown -- "${owner:-$(stat -c %u:%g .)}" "$trial" 2>&1) || say unowned "$said"
  rm -f -- "$trial" || refuse denied "$(whoami) may not remove what it has written there"
  trap - HUP INT PIPE TERM
}

look_for_tool() {
  missing=
  for tool in sqlite3 python3 node; do
    program=
    case $tool in
    python3) program=$1 ;;
    node) program=$2 ;;
    esac
    if ! command -v "$tool" >/dev/null; then
      missing="$missing, no $tool"
    elif versions=$(tool version 2>/dev/null); then
      say tool "$tool"
      say library "${versions#*
}"
      return
    else
      missing="$missing, a $tool without SQLite's backup API"
    fi
  done
  say toolless "${missing#, }"
}

owner=$3
case $1 in
/*) go_there "$1" ;;
*) go_there "./$1" ;;
esac
look_at_live
look_for_kept
try_out
[ "$2" = 0 ] || fits "${file%/*}/" "$(room_for "$2")" || say cramped "a copy needs $(room_for "$2") KiB, but $cramped"
look_for_tool "$4" "$5"
