import { choose, type ContainerChoice } from "./container-choice.ts";
import { type ContainerDetails, listContainers } from "./docker.ts";
import type { Host } from "./host.ts";

export type { ContainerChoice };

/** A running container as a Host. */
export interface Container extends Host {
  readonly outer: Host;
  readonly details: ContainerDetails;
}

/**
 * Finds the one running container that is meant, in one round trip to `outer`.
 *
 * @param docker the command line of the container engine on `outer`, such as `["sudo", "docker"]`
 * @throws InputError when no container or several are meant, or `docker` is not there
 * @throws ConnectionError when the container does not run, or the engine cannot be talked to
 */
export async function findContainer(
  outer: Host,
  docker: readonly string[],
  choice: ContainerChoice,
): Promise<Container> {
  const details = choose(await listContainers(outer, docker), choice, outer.name);
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
