#!/bin/sh
# Asks the database about itself. Runs behind tools.sh, which leaves psql, conninfo and lock_key, and password.sh.
#
#   inspect QUESTION OTHERS
#
# stdout: `database JSON` with the answer to QUESTION, or `others JSON` with the answer that another database of the server
# gives to OTHERS when this one does not exist; a tab between. The exit status is psql's.
question=$1
others=$2

ask() {
  # shellcheck disable=SC2154 # of tools.sh
  printf '%s\n' "$3" | "$psql" -XqAtw -v ON_ERROR_STOP=1 -v label="$1" -v key="$lock_key" -d "$2"
}

exec 3>&1
# shellcheck disable=SC2154 # of tools.sh
complaints=$(ask database "$conninfo" "$question" 2>&1 >&3)
status=$?
printf '%s\n' "$complaints" >&2
case $complaints in
*' database "'*'" does not exist'*) ask others "$conninfo dbname=postgres" "$others" 2>/dev/null ;;
esac
exit "$status"
