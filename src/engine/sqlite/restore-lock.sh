#!/bin/sh
# Keeps others from a database as long as its stdin lasts. Stands behind room.sh and restore-place.sh.
#
#   sh -c LOCK lock PATH KIND TOKEN BESIDES STALE
#
#   KIND      `restore`, which excludes all others, or `backup`, which excludes only restores
#   TOKEN     a word that nobody else has
#   BESIDES   the token of somebody whom it does not mind; may be empty
#   STALE     seconds after which nobody is behind a claim that is not renewed
#
# A claim is a file beside the database, `.FILE.holdfast-KIND-TOKEN`, which each line on stdin renews. It is made first, and
# then others are looked for: of two that come at once one may get it or none, but never both. Prints `locked`,
# or `held KIND SECONDS` when somebody else is there.
# shellcheck disable=SC2154 # shared with the scripts before
set -u

kind=$2
besides=$4
stale=$5
locked=
enter "$1" || fail "$1: its directory cannot be entered"
claim=./.$base.holdfast-$2-$3

# The claim goes first: who stages looks for it after he has made a file, so that one of the two sees the other.
leave() {
  status=$?
  trap '' HUP INT PIPE TERM
  [ -e "$claim" ] || locked=
  rm -f -- "$claim"
  [ "$kind" != restore ] || [ -z "$locked" ] || {
    sweep_staged
    sweep_twins
  }
  exit "$status"
}

age_of() {
  made=$(stat -c %Y -- "$1") || return
  age=$(($(date +%s) - made))
  echo "${age#-}"
}

conflicts() {
  [ "$1" != "$claim" ] && [ "${1##*-}" != "$besides" ] || return
  case $kind$1 in
  backup*.holdfast-backup-*) return 1 ;;
  esac
  age=$(age_of "$1" 2>/dev/null) || return
  [ "$age" -lt "$stale" ] && return
  rm -f -- "$1"
  return 1
}

trap 'exit 143' HUP INT PIPE TERM
(umask 077 && set -C && : >"$claim") || fail "$(id -un 2>/dev/null || id -u) may not write there"
trap leave EXIT
for other in "./.$base.holdfast-restore-"* "./.$base.holdfast-backup-"*; do
  [ -f "$other" ] || continue
  conflicts "$other" || continue
  other=${other#"./.$base.holdfast-"}
  printf 'held %s %s\n' "${other%-*}" "$age"
  exit 4
done
locked=yes
printf 'locked\n'
while IFS= read -r _; do
  [ -e "$claim" ] || exit 5
  touch -c -- "$claim"
done
