#!/bin/sh
# Compresses stdin with zstd and tells its length, the fact `bytes N`. zstd knows it: `tee` and `wc` would take a
# seventh of a dump's time to count what zstd has counted anyway.
#
#   zstd LEVEL
#
#   LEVEL   as zstd wants it: `-3`
#
# Of what zstd says with -vv, complaints go on to stderr. The exit status is zstd's. Every piece that it writes passes
# through half a dozen processes, which all want a processor then, so the pieces are large where stdbuf (GNU coreutils) can make
# them so. Of 4 MiB a dump takes a twentieth less time than of 1 MiB, and larger ones gain nothing. One is full before anybody calls
# it a stall, with the usual five minutes, as long as 14 KB a second come of the dump.
set -f
set -- zstd -vv --no-progress -c "$1"
# Since 1.5.4 threads of its own read and write, which on two processors takes more from the dump than it gives.
! zstd --no-asyncio -V >/dev/null 2>&1 || set -- "$@" --no-asyncio
! stdbuf -o4M true 2>/dev/null || set -- stdbuf -o4M "$@"
trap : HUP INT TERM
exec 3>&1
{
  trap : HUP INT TERM
  "$@" 2>&1 >&3 3>&-
  echo "exit $?"
} | {
  trap : HUP INT TERM
  while IFS= read -r line; do
    case $line in
    'exit '*) exit "${line#exit }" ;;
    # `(519326851 B => 17817511 B, ...`, and without the first B before zstd 1.5.
    *'('*' => '*)
      # shellcheck disable=SC2086 # the first word
      set -- ${line##*\(}
      printf '\n%s bytes %s\n' "$HOLDFAST_MARK" "$1" >&2
      ;;
    '*** '* | 'Using '* | 'Decompression '* | *'Completed in '*) ;;
    *) printf '%s\n' "$line" >&2 ;;
    esac
  done
}
