import { spawnSync } from "node:child_process";
import { rmSync, mkdtempSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startPostgres } from "../servers/postgres.ts";

/** What a command line of this machine makes of `input`. */
export function piped(
  [file = "", ...args]: readonly string[],
  input: Buffer = Buffer.alloc(0),
): Buffer {
  const { status, stdout, stderr } = spawnSync(file, args, { input, maxBuffer: 1024 ** 3 });
  if (status !== 0) throw new Error(`${file} ended with ${status}: ${stderr.toString()}`);
  return stdout;
}

/** Dumps of one small database, as the tools of the field make them. */
export interface PostgresDumps {
  readonly custom: Buffer;
  /** As uncompressed as Holdfast has it made. */
  readonly uncompressed: Buffer;
  readonly plain: Buffer;
  readonly withoutComments: Buffer;
  readonly tar: Buffer;
  readonly cluster: Buffer;
  readonly clusterWithoutComments: Buffer;
}

export async function postgresDumps(): Promise<PostgresDumps> {
  await using server = await startPostgres();
  await server.sql("CREATE TABLE t AS SELECT i, md5(i::text) FROM generate_series(1, 20000) AS i");
  const inside = (command: string) =>
    piped(["docker", "exec", server.id, "sh", "-c", command.replaceAll("$ARGS", "-U postgres")]);
  return {
    custom: inside("pg_dump -Fc $ARGS postgres"),
    uncompressed: inside("pg_dump -Fc -Z0 $ARGS postgres"),
    plain: inside("pg_dump $ARGS postgres"),
    withoutComments: inside("pg_dump $ARGS postgres | grep -v '^--'"),
    tar: inside("pg_dump -Ft $ARGS postgres"),
    cluster: inside("pg_dumpall $ARGS"),
    clusterWithoutComments: inside("pg_dumpall $ARGS | grep -v '^--'"),
  };
}

export interface SqliteDumps {
  readonly file: Buffer;
  /** What `.dump` writes. */
  readonly sql: Buffer;
}

export function sqliteDumps(): SqliteDumps {
  const directory = mkdtempSync(join(tmpdir(), "holdfast-dump-"));
  try {
    const path = join(directory, "app.db");
    const rows = "WITH n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 9000)";
    piped(["sqlite3", path, `CREATE TABLE t AS ${rows} SELECT i, hex(randomblob(40)) FROM n`]);
    return { file: readFileSync(path), sql: piped(["sqlite3", path, ".dump"]) };
  } finally {
    rmSync(directory, { recursive: true });
  }
}
