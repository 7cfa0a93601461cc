import type { Container } from "./host/container.ts";
import type { Host } from "./host/host.ts";
import { hostPathOf, volumeMountpoint } from "./host/volume.ts";
import type { BackupInputs } from "./inputs.ts";
import type { Engine } from "./engine/engine.ts";
import { postgres } from "./engine/postgres/postgres.ts";
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
  mask: (secret: string) => void,
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
      });
    case "sqlite": {
      const places = await sqlitePlaces(inputs, source, where);
      return sqlite(places, { database: source.database, fingerprint, dumpArgs });
    }
  }
}

type SqliteSource = Extract<BackupInputs["source"], { readonly engine: "sqlite" }>;

/** Where the file can be reached: in the container first, else on the machine through what is mounted there. */
async function sqlitePlaces(
  { docker }: BackupInputs,
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
