#!/bin/sh
# Finds the tools and asks the database about itself. Runs behind password.sh.
#
#   inspect CONNINFO QUESTION OTHERS
#
# stdout: lines `pg_dump PATH VERSION` and `psql PATH VERSION` for every one that works, `database JSON` with the
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

major_of() {
  number=${1#*") "}
  echo "${number%%[!0-9]*}"
}

newest=0
psql=
for tool in pg_dump psql; do
  for path in $(places_of "$tool"); do
    version=$("$path" --version 2>/dev/null) || continue
    printf '%s\t%s\t%s\n' "$tool" "$path" "$version"
    [ "$tool" = psql ] && [ "$(major_of "$version")" -gt "$newest" ] || continue
    newest=$(major_of "$version")
    psql=$path
  done
done
[ -n "$psql" ] || exit 127

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
