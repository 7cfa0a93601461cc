#!/bin/sh
# Gives a copy its name, puts its manifest (stdin) beside it, and then removes older copies.
#
#   keep DIRECTORY PART NAME BYTES OLD...
set -e
umask 077
directory=$1
part=$2
name=$3
bytes=$4
shift 4
cd -- "$directory"
written=$(stat -c %s -- "./$part")
if [ "$written" != "$bytes" ]; then
  echo "it has $written bytes instead of $bytes" >&2
  rm -f -- "./$part"
  exit 1
fi
cat >"./$part.manifest"
# By name where it is known, so that no other file of the machine has to be waited for.
sync -- "./$part" "./$part.manifest" 2>/dev/null || sync
mv -f -- "./$part" "./$name"
mv -f -- "./$part.manifest" "./$name.manifest.json"
for old do
  rm -f -- "./$old" "./$old.manifest.json"
done
