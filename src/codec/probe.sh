#!/bin/sh
# Finds out which command lines encode or decode here, by having each do it with eight bytes: one that is missing,
# broken or of another kind fails.
#
#   probe TRIALS
#
#   TRIALS   shell text, a line for each command
#
#              encodes ID TOLD COMMAND…    TOLD is what it has to tell on stderr, or empty
#              decodes ID BYTES COMMAND…   BYTES, as printf's escapes, are what it has to make 12345678 of
#
# stdout: the IDs of those that do, one a line.
HOLDFAST_MARK=probe
export HOLDFAST_MARK

encodes() {
  id=$1
  wanted=$2
  shift 2
  said=$(printf 12345678 | "$@" 2>&1 >/dev/null) || return
  case $said in *"$wanted"*) echo "$id" ;; esac
}

decodes() {
  id=$1
  bytes=$2
  shift 2
  # shellcheck disable=SC2059 # the bytes are escapes
  made=$(printf "$bytes" | "$@" 2>/dev/null) || return
  case $made in 12345678) echo "$id" ;; esac
}

eval "$1"
true
