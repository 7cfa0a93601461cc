#!/bin/sh
# Looks after a database that is being filled, second by second. Stands before guard.sh, which pipes it into psql.
#
#   looks DISKS RESERVE ALIVE GIVE_UP
#
#   DISKS    shell words: the directories of the server's that lie here
#   RESERVE  how many KiB must stay free where they lie
#   ALIVE    SQL that prints `busy` while the server works on the database
#   GIVE_UP  SQL that ends the sessions that work on it
#
# What it makes psql print besides: `full N KIB` when the N-th directory has but so much room left.
# A server that cannot write its log stops, and with it the live database. So the restore is given up while that room will still be
# left in a second, at the present pace.
looks() {
  trap : HUP INT TERM
  before=
  [ -z "$1" ] || before=$(room_of "$1" 0)
  while sleep 1; do
    printf '%s\n' "$3" || exit
    [ -n "$1" ] || continue
    now=$(room_of "$1" "$2")
    case $now in
    full*) printf '\\echo %s\n%s\n' "$now" "$4" || exit ;;
    *) before=$now ;;
    esac
  done
}

# How many KiB are free where each of the directories lies, in one line; or `full N KIB`. Of the fields of `df -Pk` (POSIX), the
# first may hold spaces.
room_of() {
  eval "df -Pk $1" | awk -v before="$before" -v reserve="$2" '
    BEGIN { split(before, last) }
    NR > 1 {
      for (field = 5; field < NF && $field !~ /^[0-9]+%$/; field++);
      free = $(field - 1)
      all = all " " free
      at++
      pace = at in last && last[at] > free ? last[at] - free : 0
      if (!full && free - pace < reserve) full = "full " at " " free
    }
    END { print full ? full : all }'
}
