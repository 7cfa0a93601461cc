import type { Container } from "./host/container.ts";
import type { ContainerDetails } from "./host/docker.ts";
import type { Host } from "./host/host.ts";
import { hostPathOf, volumeMountpoint } from "./host/volume.ts";
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
  inputs: BackupInputs,
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
      const places = await sqlitePlaces(inputs, source, where);
      return sqlite(places, { database: source.database, fingerprint, dumpArgs, heedRestores });
    }
  }
}

/** Opens what brings the database back. @param stopped what does not run while databases are swapped */
export async function openRestorer(
  inputs: RestoreInputs,
  where: Whereabouts,
  stopped: readonly ContainerDetails[],
  mask: (secret: string) => void,
): Promise<Restorer> {
  const { source } = inputs;
  switch (source.engine) {
    case "postgres":
      return postgresRestorer(where.container ?? where.machine, {
        ...source,
        officialImageDefaults: where.container !== undefined,
        mask,
      });
    case "sqlite": {
      const places = await sqlitePlaces(inputs, source, where);
      const container = ownContainer(inputs.docker, where, places[0], stopped);
      return sqliteRestorer(places, { database: source.database, container });
    }
  }
}

function ownContainer(
  docker: readonly string[],
  { machine, container }: Whereabouts,
  { host, path }: SqlitePlace,
  stopped: readonly ContainerDetails[],
): OwnContainer | undefined {
  if (!container || host !== container) return undefined;
  const { id, name } = container.details;
  const stops = stopped.some((other) => other.id === id);
  return { machine, docker, id, name, path, stops };
}

type SqliteSource = Extract<BackupInputs["source"], { readonly engine: "sqlite" }>;

/** Where the file can be reached: in the container first, else on the machine through what is mounted there. */
async function sqlitePlaces(
  { docker }: Pick<BackupInputs, "docker">,
  { database, volume }: SqliteSource,
  { machine, container }: Whereabouts,
): Promise<readonly [SqlitePlace, ...SqlitePlace[]]> {
  if (volume !== undefined) {
    const mountpoint = await volumeMountpoint(machine, docker, volume);
    const mount = container?.details.mounts.find(({ name }) => name === volume);
    const inside = container &&
      mount && { host: container, path: `${mount.destination}/${database}` };
    const outside = { host: machine, path: `${mountpoint}/${database}` };
    return inside ? [inside, outside] : [outside];
  }
  if (!container) return [{ host: machine, path: database }];
  const path = hostPathOf(container.details.mounts, database);
  const outside = path === undefined ? [] : [{ host: machine, path }];
  return [{ host: container, path: database }, ...outside];
}
