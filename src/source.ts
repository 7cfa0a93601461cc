import { InputError } from "./errors.ts";
import type { Container } from "./host/container.ts";
import type { ContainerDetails } from "./host/docker.ts";
import type { Host } from "./host/host.ts";
import { oneOffBeside } from "./host/one-off.ts";
import { hostPathOf, volumeMountpoint, volumeUser } from "./host/volume.ts";
import type { BackupInputs, RestoreInputs } from "./inputs.ts";
import type { Engine } from "./engine/engine.ts";
import { type PostgresOptions, postgres } from "./engine/postgres/postgres.ts";
import { postgresRestorer } from "./engine/postgres/restore.ts";
import type { Restorer } from "./engine/restorer.ts";
import { type OwnContainer, sqliteRestorer } from "./engine/sqlite/restore.ts";
import { type SqlitePlace, sqlite } from "./engine/sqlite/sqlite.ts";

/** The machine that is reached by SSH, and the container on it when one was named. */
export interface Whereabouts {
  readonly machine: Host;
  readonly container: Container | undefined;
}

/** Opens the engine that the inputs ask for, at the place where its tools run. */
export async function openEngine(
  inputs: Pick<BackupInputs, "docker" | "source" | "fingerprint" | "dumpArgs" | "compression">,
  where: Whereabouts,
  { mask, heedRestores }: Pick<PostgresOptions, "mask" | "heedRestores">,
): Promise<Engine> {
  const { source, fingerprint, dumpArgs, compression } = inputs;
  switch (source.engine) {
    case "postgres":
      return postgres(where.container ?? where.machine, {
        ...source,
        officialImageDefaults: where.container !== undefined,
        fingerprint,
        // gzip over pg_dump's own compression takes a quarter of the time of gzip alone, for a smaller file.
        internalCompression: compression.name === "gzip",
        dumpArgs,
        mask,
        heedRestores,
      });
    case "sqlite": {
      const { places, owner } = await reach(inputs, source, where);
      const { database } = source;
      // Where a container was named, its own way is the better one.
      const beside = where.container ? [] : besidePlace(inputs.docker, where, owner);
      const [best, ...others] = places;
      return sqlite([best, ...others, ...beside], {
        database,
        fingerprint,
        dumpArgs,
        heedRestores,
      });
    }
  }
}

/** Opens what brings the database back. @param stopped what does not run while databases are swapped */
export async function openRestorer(
  inputs: Pick<RestoreInputs, "docker" | "source">,
  where: Whereabouts,
  stopped: readonly ContainerDetails[],
  mask: (secret: string) => void,
): Promise<Restorer> {
  const { source } = inputs;
  switch (source.engine) {
    case "postgres":
      refuseStopping(where.container, stopped);
      return postgresRestorer(where.container ?? where.machine, {
        ...source,
        officialImageDefaults: where.container !== undefined,
        mask,
      });
    case "sqlite": {
      const { places, owner } = await reach(inputs, source, where);
      const container = ownContainer(inputs.docker, where, owner, stopped);
      return sqliteRestorer(places, { database: source.database, container });
    }
  }
}

/** A file can be swapped from outside of a container that is stopped; a server is asked by the tools in it. */
function refuseStopping(tools: Container | undefined, stopped: readonly ContainerDetails[]): void {
  if (!tools || !stopped.some(({ id }) => id === tools.details.id)) return;
  throw new InputError(`stop-containers: the restore itself works in ${tools.name}`, {
    hint: "Leave it out: the sessions of clients are ended anyway. Name what else uses the database, if that does not connect again by itself.",
  });
}

type SqliteSource = Extract<BackupInputs["source"], { readonly engine: "sqlite" }>;

/** The ways to a database file. */
interface Reach {
  readonly places: readonly [SqlitePlace, ...SqlitePlace[]];
  /** A container that has the file, be it in a volume, and the path there. */
  readonly owner: { readonly details: ContainerDetails; readonly path: string } | undefined;
}

function besidePlace(
  docker: readonly string[],
  { machine }: Whereabouts,
  owner: Reach["owner"],
): readonly SqlitePlace[] {
  return owner ? [{ host: oneOffBeside(machine, docker, owner.details), path: owner.path }] : [];
}

function ownContainer(
  docker: readonly string[],
  { machine, container }: Whereabouts,
  owner: Reach["owner"],
  stopped: readonly ContainerDetails[],
): OwnContainer | undefined {
  if (!owner) return undefined;
  const { details, path } = owner;
  const runs = details.status === "running";
  // One that was named and does not run is reached through a container beside it already.
  const beside = runs || !container ? oneOffBeside(machine, docker, details) : undefined;
  return { path, stops: runs && stopped.some(({ id }) => id === details.id), beside };
}

/** Where the file can be reached: in the container first, else on the machine through what is mounted there. */
async function reach(
  { docker }: Pick<BackupInputs, "docker">,
  { database, volume }: SqliteSource,
  where: Whereabouts,
): Promise<Reach> {
  const { machine, container } = where;
  if (volume !== undefined) return reachVolume(docker, { database, volume }, where);
  if (!container) return { places: [{ host: machine, path: database }], owner: undefined };
  const { details } = container;
  const path = hostPathOf(details.mounts, database);
  const outside = path === undefined ? [] : [{ host: machine, path }];
  return {
    places: [{ host: container, path: database }, ...outside],
    owner: { details, path: database },
  };
}

/** Without a container of its own, the file belongs to any that has the volume. */
async function reachVolume(
  docker: readonly string[],
  { database, volume }: { readonly database: string; readonly volume: string },
  { machine, container }: Whereabouts,
): Promise<Reach> {
  const [mountpoint, user] = await Promise.all([
    volumeMountpoint(machine, docker, volume),
    container ? undefined : volumeUser(machine, docker, volume),
  ]);
  const outside = { host: machine, path: `${mountpoint}/${database}` };
  const mount = container?.details.mounts.find(({ name }) => name === volume);
  if (container && mount) {
    const path = `${mount.destination}/${database}`;
    return {
      places: [{ host: container, path }, outside],
      owner: { details: container.details, path },
    };
  }
  const owner = user && { details: user.details, path: `${user.directory}/${database}` };
  return { places: [outside], owner };
}
