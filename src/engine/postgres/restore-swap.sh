#!/bin/sh
# Renames databases. Runs behind password.sh.
#
#   swap PSQL CONNINFO CLEARING STEP OPTION…
#
#   CLEARING  SQL that ends sessions as long as it is not done
#   STEP      SQL that waits for databases to be without sessions and renames them
#
# The step locks the databases first, so that nobody new gets in while the sessions that there are, are ended from
# beside. No database needs to be closed to its clients, which a lost link could leave so. A pipeline, through which
# nothing goes, since a shell waits for all of it whatever happens.
trap : HUP INT TERM
psql=$1
conninfo=$2
clearing=$3
step=$4
shift 4

ask() {
  trap : HUP INT TERM
  script=$1
  shift
  printf '%s\n' "$script" | "$psql" -XqAtw -v ON_ERROR_STOP=1 "$@" -d "$conninfo"
}

ask "$clearing" "$@" >&2 | ask "$step"
