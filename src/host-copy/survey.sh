#!/bin/sh
# Looks at the directory for copies without changing anything.
#
#   survey DIRECTORY
#
# stdout: the names of the files in it, one a line. Fails, and says why, when nothing can be written there. A directory that
# is not there yet is made by the first copy.
directory=$1
place=$directory
while [ ! -e "$place" ]; do
  place=$(dirname -- "$place")
done
if [ ! -d "$place" ]; then
  echo "$place is not a directory" >&2
  exit 1
fi
if [ ! -w "$place" ] || [ ! -x "$place" ]; then
  echo "$(id -un) may not write to $place" >&2
  exit 1
fi
[ "$place" = "$directory" ] || exit 0
ls -A -- "$directory"
