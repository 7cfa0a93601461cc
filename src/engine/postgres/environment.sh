#!/bin/sh
# Prints the values of the environment variables whose names are the words of the first argument, each ended by a NUL.
# The value of an absent one is empty. The other arguments are left to the script behind this one.
for name in $1; do
  eval "printf '%s\\0' \"\${$name-}\""
done
shift
