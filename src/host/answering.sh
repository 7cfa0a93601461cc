#!/bin/sh
# Answers questions: runs one command after another, each with lines of its own to read, until it is told to `leave`.
#
#   sh -c ANSWERING answering MARK
#
#   MARK   an unguessable word
#
# stdin, lines:   `run COMMAND`, shell text with \\n for a line break and \\\\ for a backslash; then `>TEXT` for each line that
#                 the command reads, and `end`. An empty line is a beat.
# stdout:         what the command writes there, and behind it lines `MARK STATUS`, what it wrote to stderr, and `MARK`. The first
#                 answer comes unasked, and is empty.
#
# Like every shell of ours it stays until what it runs has ended, as lifeline.sh says.
trap : HUP INT TERM
mark=$1
exec 3<&0 4>&1 </dev/null

answer() {
  printf '\n%s %s\n%s\n%s\n' "$mark" "$1" "$2" "$mark" >&4
}

# It reads to the `end` even when the command has ended before.
lines() {
  trap : HUP INT PIPE TERM
  while IFS= read -r line <&3; do
    case $line in
    '>'*) printf '%s\n' "${line#>}" 2>/dev/null ;;
    end) return ;;
    esac
  done
}

run() {
  trap : HUP INT TERM
  said=$(
    trap : HUP INT TERM
    eval "$1" 2>&1 >&4 3<&- 4>&-
  )
  answer "$?" "$said"
}

answer 0 ''
while IFS= read -r line <&3; do
  case $line in
  leave) exit ;;
  'run '*) lines | run "$(printf %b "${line#run }")" ;;
  esac
done
