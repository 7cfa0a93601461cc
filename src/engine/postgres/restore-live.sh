#!/bin/sh
# Reads the name of the live database from stdin, with \\n for a line break and \\\\ for a backslash. Runs between tools.sh and password.sh.
IFS= read -r live || exit 1
live=$(printf '%bx' "$live")
# shellcheck disable=SC2034 # survey.sh asks for it
live=${live%x}
