import { after } from "node:test";
import { openScene, type Scene } from "../operation/scene.ts";
import { startPostgres, type TestPostgres } from "../servers/postgres.ts";
import { makeWide, uncompressed } from "./hold.ts";
import type { Place } from "./traces.ts";

export type Texts = Readonly<Record<string, string>>;

/** What faults are tried on. */
export interface Setting {
  readonly scene: Scene;
  readonly postgres: TestPostgres;
  /** Where a run may leave something. */
  readonly places: readonly Place[];
  /** The inputs for a database whose dump is one request to the store. */
  readonly small: Texts;
  /** Those for one whose dump is as many megabytes as it has rows. */
  readonly wide: Texts;
}

/** Opens a scene with PostgreSQL in it until the tests of the file are over. */
export async function openSetting({
  name,
  rows,
}: {
  name: string;
  rows?: number;
}): Promise<Setting> {
  await using stack = new AsyncDisposableStack();
  const scene = stack.use(await openScene());
  const postgres = stack.use(await startPostgres());
  await makeWide(postgres, name, rows);
  await postgres.sql("CREATE TABLE t AS SELECT n FROM generate_series(1, 20000) n");
  const servers = stack.move();
  after(() => servers.disposeAsync());
  const small = { engine: "postgres", container: postgres.name, database: "postgres" };
  return {
    scene,
    postgres,
    places: [{ container: postgres, directory: "/var/lib/postgresql/data" }],
    small,
    wide: { ...small, ...uncompressed, database: name },
  };
}
