#!/bin/sh
# Answers questions: runs one command after another, each with lines of its own to read, until it is told to `leave` or to
# become another pipeline. It is itself the pipeline of a lifeline, which leaves it MARK, as HOLDFAST_MARK, and the functions.
#
# stdin, lines:   `run COMMAND`, then `>TEXT` for each line that the command reads, and `end`; `become PIPELINE`; `leave`. COMMAND and PIPELINE
#                 are shell text with \\n for a line break and \\\\ for a backslash. An empty line is a beat.
# stdout:         what the command writes there, and behind it lines `MARK STATUS`, what it wrote to stderr, and `MARK`. The first
#                 answer comes unasked, and is empty. Then what the pipeline writes.
#
# Like every shell of ours it stays until what it runs has ended, as lifeline.sh says.
trap : HUP INT TERM
exec 4>&1

answer() {
  printf '\n%s %s\n%s\n%s\n' "$HOLDFAST_MARK" "$1" "$2" "$HOLDFAST_MARK"
}

# It reads to the `end` even when the command has ended before.
lines() {
  trap : HUP INT PIPE TERM
  while IFS= read -r line; do
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
pipeline=
while IFS= read -r line; do
  case $line in
  leave) break ;;
  'run '*) lines | run "$(printf %b "${line#run }")" ;;
  'become '*)
    pipeline=$(printf %b "${line#become }")
    break
    ;;
  esac
done
exec 4>&-
eval "$pipeline"
