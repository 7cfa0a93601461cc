#!/bin/sh
# Prints the values of the environment variables that are named as arguments, each ended by a NUL. The value of
# an absent one is empty.
for name do
  eval "value=\${$name-}"
  printf '%s\0' "$value"
done
