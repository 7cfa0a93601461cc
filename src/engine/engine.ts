import type { Manifest, TableRows } from "../backup/manifest.ts";
import type { Host } from "../host/host.ts";
import type { Facts, Stage } from "../host/stage.ts";

/** The engines there are; `src/source.ts` opens each. */
export const engineNames = ["postgres", "sqlite"] as const;
export type EngineName = (typeof engineNames)[number];

/** What one database's dump is. One instance serves one database on one host. */
export interface Engine {
  readonly name: EngineName;
  /** Where it will dump, unless `inspect` finds that it must be elsewhere. */
  readonly host: Host;
  /** The file name extension of an uncompressed dump: `dump`, `db`. */
  readonly extension: string;

  /**
   * Looks at the database and its tools without changing anything, and refuses what cannot work: no login, no
   * such database, a dump tool that is missing or older than the server, a disk too full for a copy.
   *
   * @throws InputError, CommandError
   */
  inspect(): Promise<Database>;

  /**
   * The stage whose stdout is the dump: one consistent state of the database. It tells the facts `rows`
   * (see {@link rowsFrom}) when a fingerprint was asked for.
   */
  dump(database: Database): Stage;
}

/** A database as `inspect` found it. */
export interface Database {
  /** The name in keys and messages: a PostgreSQL database's name, a SQLite file's base name without extension. */
  readonly name: string;
  /** Size on disk in bytes, before dumping and compression. */
  readonly bytes: number;
  /** Versions of the server and of the tool that dumps it, as they print them. */
  readonly versions: Manifest["versions"];
  /** What is needed to create an equal, empty database elsewhere; its shape belongs to the engine. */
  readonly settings: Manifest["settings"];
}

/** The row counts that a dump's stage told: each `rows` fact is a JSON array `["schema.table", 42]`. */
export function rowsFrom(facts: Facts): readonly TableRows[] {
  return (facts.get("rows") ?? []).map((text) => {
    const [table, rows] = JSON.parse(text) as [string, number];
    return { table, rows };
  });
}
