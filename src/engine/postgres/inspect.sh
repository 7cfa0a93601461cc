#!/bin/sh
# Finds the tools and asks the database about itself. Runs behind password.sh.
#
#   inspect CONNINFO QUESTION OTHERS
#
# stdout: lines `pg_dump PATH VERSION` for every one that works, `stdbuf` when that works, `psql PATH VERSION` for one, `database JSON` with the
# answer to QUESTION, or `others JSON` with the answer that another database of the server gives to OTHERS when
# this one does not exist; tabs between the fields. The exit status is psql's.
conninfo=$1
question=$2
others=$3

# Debian's /usr/bin/pg_dump is a wrapper that has its own mind about the port: it comes behind the real ones.
places_of() {
  for place in /usr/lib/postgresql/*/bin /usr/libexec/postgresql* /usr/pgsql-*/bin /usr/local/pgsql/bin \
    /opt/bitnami/postgresql/bin /usr/local/bin; do
    [ ! -x "$place/$1" ] || echo "$place/$1"
  done
  command -v "$1"
}

found() {
  for path in $(places_of "$1"); do
    version=$("$path" --version 2>/dev/null) && printf '%s\t%s\t%s\n' "$1" "$path" "$version"
  done
}

found pg_dump
stdbuf -o1M true 2>/dev/null && echo stdbuf
# Any psql can ask and count; of several the first is one of Debian's real ones.
psql=$(found psql | head -n 1)
[ -n "$psql" ] || exit 0
printf '%s\n' "$psql"
psql=$(printf '%s\n' "$psql" | cut -f 2)

ask() {
  printf '%s\n' "$3" | "$psql" -XqAtw -v ON_ERROR_STOP=1 -v label="$1" -d "$2"
}

exec 3>&1
complaints=$(ask database "$conninfo" "$question" 2>&1 >&3)
status=$?
printf '%s\n' "$complaints" >&2
case $complaints in
*' database "'*'" does not exist'*) ask others "$conninfo dbname=postgres" "$others" 2>/dev/null ;;
esac
exit "$status"
