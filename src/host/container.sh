#!/bin/sh
# Tells what an engine knows about its containers and their images, one a line: `container IMAGE-ID JSON`, whatever
# its state, and `image IMAGE-ID JSON`. One script, since each command costs a round trip to the host. No name
# and no label from outside comes in here: choosing among the containers is not the shell's work.
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

# shellcheck disable=SC2086 # an id a word
containers=$("$@" container inspect --format \
  'container {{.Image}} {"id":{{json .Id}},"name":{{json .Name}},"created":{{json .Created}},"status":{{json .State.Status}},"exitCode":{{json .State.ExitCode}},"image":{{json .Config.Image}},"labels":{{json .Config.Labels}},"mounts":{{json .Mounts}}}' \
  $ids)
status=$?
printf '%s\n' "$containers"

images=$(printf '%s\n' "$containers" | cut -d ' ' -f 2 | sort -u)
[ -n "$images" ] || exit "$status"
# Images are removed from under running containers, and nothing but the manifest's wording depends on them.
# shellcheck disable=SC2086
"$@" image inspect --format 'image {{.Id}} {{json .RepoDigests}}' $images 2>/dev/null
exit "$status"
