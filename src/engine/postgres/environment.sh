#!/bin/sh
# Prints the values of the environment variables that are named as arguments, each ended by a NUL. The value of
# an absent one is empty.
for name do
  eval "printf '%s\\0' \"\${$name-}\""
done
