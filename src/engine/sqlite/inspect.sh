#!/bin/sh
# Looks at a database file and changes nothing. Stands behind room.sh, tool.sh and claim.sh.
#
#   sh -c INSPECT inspect PATH PYTHON NODE HEED
#
#   HEED   `heed` to refuse a database that is being restored
#
# Prints lines `NAME VALUE`. The first `refused REASON TEXT` ends it; see place.ts for the reasons.
# shellcheck disable=SC2034,SC2154 # shared with the scripts before
set -u
exec </dev/null
path=$1

refuse() {
  printf 'refused %s %s\n' "$1" "$(printf %s "$2" | tr '\n' ' ')"
  exit 0
}

neighbours() {
  for near in "$(dirname -- "$path")"/*.db "$(dirname -- "$path")"/*.sqlite*; do
    [ ! -f "$near" ] || printf 'near %s\n' "${near##*/}"
  done | head -n 10
}

look_at_file() {
  if said=$(LC_ALL=C ls -Lld -- "$path" 2>&1); then
    case $said in
    -*) ;;
    *) refuse kind 'not a file' ;;
    esac
    [ -r "$path" ] || refuse denied "$(id -un 2>/dev/null || id -u) may not read it"
  else
    case $said in
    *[Pp]ermission*) refuse denied "$(id -un 2>/dev/null || id -u) may not look into its directory" ;;
    esac
    neighbours
    refuse absent 'no such file'
  fi
  [ -s "$path" ] || refuse kind 'an empty file'
  [ "$(dd bs=15 count=1 2>/dev/null <"$path")" = 'SQLite format 3' ] ||
    refuse kind 'not a SQLite database, or an encrypted one'
}

look_for_tool() {
  missing=
  for tool in sqlite3 python3 node; do
    program=
    case $tool in
    python3) program=$2 ;;
    node) program=$3 ;;
    esac
    if ! command -v "$tool" >/dev/null; then
      missing="$missing, no $tool"
    elif versions=$(tool version 2>/dev/null); then
      return
    else
      missing="$missing, a $tool without SQLite's backup API"
    fi
  done
  refuse tool "${missing#, }"
}

look_for_room() {
  bytes=$(bytes_of "$file") || refuse denied 'its size cannot be read'
  need=$(room_for "$bytes")
  { [ -w "${file%/*}/" ] && fits "${file%/*}/" "$need"; } || fits "${TMPDIR:-/tmp}" "$need" ||
    refuse room "a copy needs $need KiB, but $cramped"
}

settings='journal_mode page_size encoding user_version application_id auto_vacuum'

look_inside() {
  uri=$(uri_of "$file") || refuse denied 'its name cannot be encoded'
  set -- "$uri"
  alone=
  [ -e "$file-shm" ] || alone=true
  for setting in $settings; do
    set -- "$@" "PRAGMA $setting"
  done
  if values=$(tool ask "$@" 2>&1); then
    for setting in $settings; do
      printf '%s %s\n' "$setting" "${values%%
*}"
      values=${values#*
}
    done
  else
    [ ! "$alone" ] || tidy
    case $values in
    *locked*) refuse locked "$values" ;;
    *'not a database'* | *encrypted*) refuse kind "$values" ;;
    *'unable to open'* | *readonly* | *denied*) refuse denied "$values" ;;
    *) refuse sqlite "$values" ;;
    esac
  fi
}

look_at_file
look_for_tool "$@"
file=$(canonical "$path") || refuse denied 'its path cannot be resolved'
file=${file%??}
[ "$4" != heed ] || ! at_work "${file%/*}/.${file##*/}.holdfast-restore-" ||
  refuse restoring "a restore of it is at work, which gave a sign $age s ago"
look_for_room
printf 'bytes %s\ntool %s\nversion %s\nlibrary %s\n' "$bytes" "$tool" "${versions%%
*}" "${versions#*
}"
stat -c 'mode %a
uid %u
gid %g' -- "$file"
look_inside
