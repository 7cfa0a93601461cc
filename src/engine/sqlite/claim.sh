#!/bin/sh
# Who is at work on a database. A claim is an empty file beside it, `.FILE.holdfast-KIND-TOKEN`, which its owner renews
# every few seconds; KIND is `restore` or `backup`. Whoever makes one looks for others afterwards, so that of two who come
# at once one may go on or none, but never both.

# Seconds after which nobody is behind a claim that was not renewed: a far side that hears nothing gives up before.
stale=60

# Whether a claim was renewed lately: $age seconds ago.
is_fresh() {
  made=$(stat -c %Y -- "$1" 2>/dev/null) || return
  age=$(($(date +%s) - made))
  age=${age#-}
  [ "$age" -lt "$stale" ]
}

# Whether somebody else, $by whom, has one of the claims `PREFIX*`, and gave a sign $age seconds ago.
at_work() {
  for other in "$1"*; do
    [ "$other" != "${claim:-}" ] || continue
    is_fresh "$other" || continue
    by=${other##*.holdfast-}
    by=${by%-*}
    return 0
  done
  return 1
}

# Removes those of the claims `PREFIX*` that nobody is behind.
sweep_claims() {
  for other in "$1"*; do
    [ ! -f "$other" ] || is_fresh "$other" || rm -f -- "$other"
  done
} 2>/dev/null
