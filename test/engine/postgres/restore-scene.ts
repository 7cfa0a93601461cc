import { Readable } from "node:stream";
import type { Manifest } from "../../../src/backup/manifest.ts";
import { postgresRestorer } from "../../../src/engine/postgres/restore.ts";
import type { Incoming, Promoted, Restorer, Site, Wanted } from "../../../src/engine/restorer.ts";
import { aManifest } from "../../builders.ts";
import type { TestPostgres } from "../../servers/postgres.ts";
import { inside, options, type Taken, take } from "./places.ts";

export interface Backup {
  readonly dump: Buffer;
  readonly manifest: Manifest;
}

export async function backUp(server: TestPostgres, database: string): Promise<Backup> {
  return backupOf(await take(inside(server), { database, user: server.user }));
}

export function backupOf({ database, dump, rows }: Taken): Backup {
  const counted = Object.entries(rows).map(([table, count]) => ({ table, rows: count }));
  const { name, versions, settings } = database;
  const dumpBytes = dump.length;
  return {
    dump,
    manifest: aManifest({ database: name, versions, settings, rows: counted, dumpBytes }),
  };
}

/** A restorer of a database of a test's server. */
export function restorerOf(
  server: TestPostgres,
  database: string,
  { host = inside(server), silenceMs = 60_000 } = {},
): Restorer {
  return postgresRestorer(host, options({ database, user: server.user }), silenceMs);
}

export function wanted(overrides: Partial<Wanted> = {}): Wanted {
  return { manifest: undefined, beside: undefined, keepPrevious: true, ...overrides };
}

/** A dump in pieces, as they come over a network. */
export function incoming(dump: Buffer, overrides: Partial<Incoming> = {}): Incoming {
  const pieces = Array.from({ length: Math.ceil(dump.length / 65_536) }, (_, at) =>
    dump.subarray(at * 65_536, (at + 1) * 65_536),
  );
  return {
    stream: Readable.from(pieces),
    decoders: [],
    kind: "custom",
    working: () => {},
    ...overrides,
  };
}

/** All of a restore up to the promotion. */
export async function bringBack(
  restorer: Restorer,
  { dump, manifest }: Backup,
  overrides: Partial<Wanted> = {},
): Promise<{
  readonly promoted: Promoted;
  readonly site: Site;
  readonly verified: readonly string[];
}> {
  const site = await restorer.survey(wanted({ manifest, ...overrides }));
  await using _lock = await restorer.lock(site);
  await using staged = await restorer.stage(site, incoming(dump));
  const verified = await staged.verify();
  const promoted = await staged.promote();
  return { promoted, site, verified };
}

export async function databasesOf(server: TestPostgres): Promise<readonly string[]> {
  const rows = await server.sql("SELECT json_agg(datname) FROM pg_database", "template1");
  return (JSON.parse(rows) as string[]).toSorted();
}

/** What belongs to a database itself, its grants in whatever order. */
export async function settingsOf(server: TestPostgres, database: string): Promise<unknown> {
  const { manifest } = await backUp(server, database);
  const { grants, ...settings } = manifest.settings;
  const all = Array.isArray(grants)
    ? grants.map((grant) => JSON.stringify(grant)).toSorted()
    : grants;
  return { ...settings, grants: all };
}
