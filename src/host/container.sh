#!/bin/sh
# Tells what an engine knows about containers, in any state, and about their images, one a line:
# `container IMAGE-ID JSON` and `image IMAGE-ID JSON`. One script, since each command costs a round trip
# to the host.
#
#   sh -c CONTAINER container NAME COMMAND...
#
#   NAME      the name or the id of the only one to tell of; empty for all
#   COMMAND   the engine's command line: `docker`, `sudo docker`
#
# A container that is not there, or goes away meanwhile, makes it fail with "No such ..." on stderr: what is printed
# is then still true.
LC_ALL=C
export LC_ALL
name=$1
shift

# Podman calls it .ID, and takes .Id for it only where it reads {{.Id}}.
format='container {{.Image}} {"id":"{{.Id}}","name":{{json .Name}},"created":{{json .Created}},'
format=$format'"state":{{json .State}},'
format=$format'"image":{{json .Config.Image}},"labels":{{json .Config.Labels}},'
format=$format'"mounts":{{json .Mounts}}}'

inspect() {
  if [ -n "$name" ]; then
    "$@" container inspect --format "$format" -- "$name"
    return
  fi
  ids=$("$@" ps --all --quiet --no-trunc) || return
  # shellcheck disable=SC2086 # an id a word
  [ -z "$ids" ] || "$@" container inspect --format "$format" $ids
}

containers=$(inspect "$@")
status=$?
printf '%s\n' "$containers"

images=$(printf '%s\n' "$containers" | cut -d ' ' -f 2 | sort -u)
[ -n "$images" ] || exit "$status"
# An image may be removed from under a running container; then its id has to do.
# shellcheck disable=SC2086
"$@" image inspect --format 'image {{.Id}} {{json .RepoDigests}}' $images 2>/dev/null
exit "$status"
