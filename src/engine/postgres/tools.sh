#!/bin/sh
# Finds the tools, and then reads two lines from stdin: a connection string, with \\n for a line break and \\\\ for a
# backslash, and the key of the database's advisory lock. Who is still finding out how to connect can have the
# tools found meanwhile. password.sh and either inspect.sh or restore-live.sh follow.
#
#   tools TOOL
#
#   TOOL   `pg_dump` or `pg_restore`; the other arguments are left to the script behind this one
#
# stdout: lines `TOOL PATH VERSION` for every one that works, `stdbuf` when that does, `psql PATH VERSION` for one; tabs
# between the fields.

# Debian's /usr/bin/pg_dump is a wrapper that has its own mind about the port: it comes behind the real ones.
places_of() {
  for place in /usr/lib/postgresql/*/bin /usr/libexec/postgresql* /usr/pgsql-*/bin /usr/local/pgsql/bin \
    /opt/bitnami/postgresql/bin /usr/local/bin; do
    [ ! -x "$place/$1" ] || echo "$place/$1"
  done
  command -v "$1"
}

found() {
  tried=
  for path in $(places_of "$1"); do
    case "$tried " in *" $path "*) continue ;; esac
    tried="$tried $path"
    version=$("$path" --version 2>/dev/null) && printf '%s\t%s\t%s\n' "$1" "$path" "$version"
  done
}

found "$1"
shift
stdbuf -o1M true 2>/dev/null && echo stdbuf
# Any psql can ask and count; of several the first is one of Debian's real ones.
psql=$(found psql | head -n 1)
[ -n "$psql" ] || exit 0
printf '%s\n' "$psql"
psql=$(printf '%s\n' "$psql" | cut -f 2)
# shellcheck disable=SC2034 # inspect.sh asks with it
{ IFS= read -r conninfo && IFS= read -r lock_key; } || exit 1
conninfo=$(printf %b "$conninfo")
