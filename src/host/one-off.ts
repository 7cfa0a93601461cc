import type { ContainerDetails } from "./docker.ts";
import type { Host } from "./host.ts";

/**
 * A container of the same image and with the same volumes as another one, whatever state that is in; made anew for each command
 * and gone with it. Commands run there as root. It needs no registry, and starts nothing of the other one's.
 */
export function oneOffBeside(
  outer: Host,
  docker: readonly string[],
  { id, name, imageId }: Pick<ContainerDetails, "id" | "name" | "imageId">,
): Host & { readonly outer: Host } {
  const flags = ["--rm", "-i", "--network", "none", "--user", "0:0", "--volumes-from", id];
  // Without a label of its own it may use what SELinux has labelled for the other container.
  flags.push("--security-opt", "label=disable");
  const entering = ([command = "", ...args]: readonly string[]) => [
    ...docker,
    "run",
    ...flags,
    "--entrypoint",
    command,
    imageId,
    ...args,
  ];
  return {
    name: `a container beside ${name} on ${outer.name}`,
    outer,
    entering,
    start: (argv) => outer.start(entering(argv)),
  };
}
