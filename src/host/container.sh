#!/bin/sh
# Tells what an engine knows about its containers, in any state, and about their images, one a line:
# `container IMAGE-ID JSON` and `image IMAGE-ID JSON`. One script, since each command costs a round trip
# to the host. No name and no label from outside comes in here: choosing is not the shell's work.
#
#   sh -c CONTAINER container COMMAND...
#
#   COMMAND   the engine's command line: `docker`, `sudo docker`
#
# A container that goes away meanwhile makes it fail with "No such ..." on stderr: what is printed
# is then still true.
LC_ALL=C
export LC_ALL

ids=$("$@" ps --all --quiet --no-trunc) || exit
[ -n "$ids" ] || exit 0

# Podman calls it .ID, and takes .Id for it only where it reads {{.Id}}.
format='container {{.Image}} {"id":"{{.Id}}","name":{{json .Name}},"created":{{json .Created}},'
format=$format'"state":{{json .State}},'
format=$format'"image":{{json .Config.Image}},"labels":{{json .Config.Labels}},'
format=$format'"mounts":{{json .Mounts}}}'

# shellcheck disable=SC2086 # an id a word
containers=$("$@" container inspect --format "$format" $ids)
status=$?
printf '%s\n' "$containers"

images=$(printf '%s\n' "$containers" | cut -d ' ' -f 2 | sort -u)
[ -n "$images" ] || exit "$status"
# An image may be removed from under a running container; then its id has to do.
# shellcheck disable=SC2086
"$@" image inspect --format 'image {{.Id}} {{json .RepoDigests}}' $images 2>/dev/null
exit "$status"
