import { choose, type ContainerChoice, isRunning, matching } from "./container-choice.ts";
import { type ContainerDetails, listContainers } from "./docker.ts";
import type { Host } from "./host.ts";
import { oneOffBeside } from "./one-off.ts";

export type { ContainerChoice };

/** A container as a Host. */
export interface Container extends Host {
  readonly outer: Host;
  readonly details: ContainerDetails;
}

/**
 * Finds the one container that is meant, in one round trip to `outer`. Commands run in it; when it is stopped and may be, they run in
 * containers beside it, and it stays as it is.
 *
 * @param docker the command line of the container engine on `outer`, such as `["sudo", "docker"]`
 * @param may `be stopped` when what lies in its volumes is enough; else it must run
 * @throws InputError when no container or several are meant, or `docker` is not there
 * @throws ConnectionError when the container has to run and does not, or the engine cannot be talked to
 */
export async function findContainer(
  outer: Host,
  docker: readonly string[],
  choice: ContainerChoice,
  may?: "be stopped",
): Promise<Container> {
  const candidates = await candidatesFor(outer, docker, choice);
  const details = choose(candidates, choice, {
    place: outer.name,
    mayBeStopped: may !== undefined,
  });
  if (!isRunning(details)) return { ...oneOffBeside(outer, docker, details), details };
  // By id: another container may get the name. Without -t, which would alter binary output.
  const entering = (argv: readonly string[]) => [...docker, "exec", "-i", details.id, ...argv];
  return {
    name: `container ${details.name} on ${outer.name}`,
    outer,
    details,
    entering,
    start: (argv) => outer.start(entering(argv)),
  };
}

/** A name is asked for alone: one command instead of two, however many there are beside it. All are told to who errs. */
async function candidatesFor(
  outer: Host,
  docker: readonly string[],
  choice: ContainerChoice,
): Promise<readonly ContainerDetails[]> {
  if (choice.by === "name") {
    const named = await listContainers(outer, docker, choice.name);
    // The engine takes less of an id for it than we do.
    if (matching(named, choice).length > 0) return named;
  }
  return listContainers(outer, docker);
}
