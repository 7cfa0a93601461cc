#!/bin/sh
# Reads one line of a libpq password file from stdin and makes it the only one of all that follows; an empty line is
# none. It stands in no argv, no environment and no named file: the file has lost its name before the line is
# written to it, and lives as long as somebody holds descriptor 9. libpq wants a plain file and opens it anew, so
# a pipe would not do.
set -u
umask 077
IFS= read -r pass_line || exit 1
exec </dev/null

open_nameless() {
  for room in /dev/shm "${TMPDIR:-/tmp}" /tmp; do
    name=$(mktemp "$room/holdfast.XXXXXX" 2>/dev/null) && exec 9<>"$name" && rm -f "$name" && return
  done
  echo 'neither /dev/shm nor /tmp can be written to, where the password would pass through' >&2
  exit 1
}

if [ -n "$pass_line" ]; then
  # The file has a name for a moment: nothing may end us, or what we run, before it has lost it.
  trap '' HUP INT TERM
  open_nameless
  trap - HUP INT TERM
  printf '%s\n' "$pass_line" >&9
  PGPASSFILE=/proc/self/fd/9
  export PGPASSFILE
  # libpq would prefer the environment's.
  unset PGPASSWORD
fi
unset pass_line
# We read what the tools say.
LC_ALL=C
export LC_ALL
