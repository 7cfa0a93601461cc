#!/bin/sh
# Keeps others from a database as long as its stdin lasts. Stands behind room.sh, claim.sh and restore-place.sh.
#
#   sh -c LOCK lock PATH TOKEN
#
#   TOKEN   a word that nobody else has
#
# The claim, which each line on stdin renews, is `.FILE.holdfast-restore-TOKEN`. Prints `locked`, or `held KIND SECONDS` when
# somebody else is there.
# shellcheck disable=SC2154 # shared with the scripts before
set -u

locked=
enter "$1" || fail "$1: its directory cannot be entered"
claims=./.$base.holdfast-
claim=${claims}restore-$2

# The claim goes first: who stages looks for it after he has made a file, so that one of the two sees the other.
leave() {
  status=$?
  trap '' HUP INT PIPE TERM
  [ -e "$claim" ] || locked=
  rm -f -- "$claim"
  [ -z "$locked" ] || {
    sweep_staged
    sweep_twins
  }
  exit "$status"
}

trap 'exit 143' HUP INT PIPE TERM
trap leave EXIT
(umask 077 && set -C && : >"$claim") || fail "$(id -un 2>/dev/null || id -u) may not write there"
sweep_claims "$claims"
! at_work "$claims" || {
  printf 'held %s %s\n' "$by" "$age"
  exit 4
}
locked=yes
printf 'locked\n'
while IFS= read -r _; do
  [ -e "$claim" ] || exit 5
  touch -c -- "$claim"
done
