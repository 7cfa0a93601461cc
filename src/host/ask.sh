#!/bin/sh
# Runs a command as the stage that answers a question. It always succeeds, and its failure is a part of the answer: it
# tells the facts `status STATUS` and `said LINE` for each line on the command's stderr.
#
#   sh -c ASK ask COMMAND…
#
# stdin and stdout are the command's.
tell() {
  printf '\n%s %s\n' "$HOLDFAST_MARK" "$*" >&2
}

exec 3>&1
said=$("$@" 2>&1 >&3 3>&-)
tell status "$?"
exec 3>&- >&2
printf '%s\n' "$said" | while IFS= read -r line; do
  tell said "$line"
done
