import type { Host } from "../../host/host.ts";
import { tryRun } from "../../host/run.ts";

/** The container that a database belongs to, in whatever state it is. */
export interface OwnContainer {
  /** Where its engine runs. */
  readonly machine: Host;
  /** The engine's command line on that machine: `["sudo", "docker"]`. */
  readonly docker: readonly string[];
  readonly id: string;
  readonly name: string;
  /** The database's path in it. */
  readonly path: string;
  /** Whether it does not run while databases are swapped. */
  readonly stops: boolean;
}

/**
 * A container of the same image and with the same volumes, made anew for each command and gone with it. It needs no
 * registry, and no container that runs. Undefined when the engine does not tell the image.
 */
export async function oneOffBeside(own: OwnContainer): Promise<Host | undefined> {
  const { machine, docker, id, name } = own;
  const inspect = [...docker, "container", "inspect", "--format", "{{.Image}}", id];
  const { exit, stdout } = await tryRun(machine, inspect);
  const image = stdout.trim();
  if (exit.code !== 0 || image === "") return undefined;
  // Without a label of its own it may use what SELinux has labelled for the other container.
  const flags = ["--rm", "-i", "--network", "none", "--user", "0:0", "--volumes-from", id];
  flags.push("--security-opt", "label=disable");
  const entering = ([command = "", ...args]: readonly string[]) => [
    ...docker,
    "run",
    ...flags,
    "--entrypoint",
    command,
    image,
    ...args,
  ];
  return {
    name: `a container beside ${name} on ${machine.name}`,
    outer: machine,
    entering,
    start: (argv) => machine.start(entering(argv)),
  };
}
