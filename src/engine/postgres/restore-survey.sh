#!/bin/sh
# Asks a server about itself. Runs behind tools.sh, which leaves psql, conninfo and found(), and password.sh.
#
#   survey QUESTION LIVE NEEDS DATABASE…
#
#   LIVE, NEEDS  variables of QUESTION
#   DATABASE     where to ask; of several the first that exists
#
# stdout, besides that of tools.sh: `pg_restore PATH VERSION` for every one that works, tabs between; what QUESTION answers;
# `asked DATABASE`; `df LINE` about the disk of the server's data when that is here. When nothing answers: a line
# `complaint TEXT` for each that psql said, and `status STATUS`.
trap : HUP INT TERM
question=$1
live=$2
needs=$3
shift 3

ask() {
  # shellcheck disable=SC2154 # of tools.sh
  printf '%s\n' "$question" |
    "$psql" -XqAtw -v ON_ERROR_STOP=1 -v live="$live" -v needs="$needs" -d "$conninfo dbname=$1" 2>&1
}

found pg_restore
for database do
  # shellcheck disable=SC2154 # of tools.sh
  answer=$(ask "$database")
  status=$?
  case $answer in
  *' database "'*'" does not exist'*) ;;
  *) break ;;
  esac
done
[ "$status" = 0 ] || {
  printf '%s\n' "$answer" | sed 's/^/complaint /'
  echo "status $status"
  exit 0
}
printf '%s\n' "$answer" "asked $database"
directory=$(printf '%s\n' "$answer" | sed -n 's/^directory //p')
# The server may be on another machine: then there is no such directory here, or it is none of PostgreSQL's.
[ ! -f "$directory/PG_VERSION" ] || printf 'df %s\n' "$(df -Pk "$directory" | tail -n 1)"
