#!/bin/sh
# Finds out which command lines encode here, by having each encode eight bytes: one that is missing, broken or of
# another kind fails.
#
#   probe TRIALS
#
#   TRIALS   shell text, `try ID TOLD COMMAND…` a line; TOLD is what the command has to tell on stderr, or empty
#
# stdout: the IDs of those that do, one a line.
HOLDFAST_MARK=probe
export HOLDFAST_MARK

try() {
  id=$1
  wanted=$2
  shift 2
  said=$(printf 12345678 | "$@" 2>&1 >/dev/null) || return
  case $said in *"$wanted"*) echo "$id" ;; esac
}

eval "$1"
true
