#!/bin/sh
# Asks a server about itself. Runs behind tools.sh, which leaves psql and conninfo, live.sh, which leaves live, and password.sh.
#
#   survey QUESTION NEEDS DATABASE…
#
#   NEEDS     a variable of QUESTION, as the live database's name is
#   DATABASE  where to ask; of several the first that exists and is not the live one
#
# stdout, besides that of tools.sh: what QUESTION answers; `asked DATABASE`; `disk DIRECTORY LINE`, a tab between, with what
# df says of each directory of the server's when its data are here. When nothing answers: a line `complaint TEXT` for each that
# psql said, and `status STATUS`.
trap : HUP INT TERM
question=$1
needs=$2
shift 2

ask() {
  # shellcheck disable=SC2154 # of tools.sh and live.sh
  printf '%s\n' "$question" |
    "$psql" -XqAtw -v ON_ERROR_STOP=1 -v live="$live" -v needs="$needs" -d "$conninfo dbname=$1" 2>&1
}

for database do
  # shellcheck disable=SC2154 # of live.sh
  [ "$database" != "$live" ] || continue
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
directories=$(printf '%s\n' "$answer" | sed -n 's/^directory //p')
# The server may be on another machine: then there is no such directory here, or it is none of PostgreSQL's.
[ -f "${directories%%
*}/PG_VERSION" ] || exit 0
printf '%s\n' "$directories" | while IFS= read -r directory; do
  [ ! -d "$directory" ] || printf 'disk %s\t%s\n' "$directory" "$(df -Pk "$directory" | tail -n 1)"
done
