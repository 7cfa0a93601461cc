import type { Manifest } from "../src/backup/manifest.ts";
import type { StoredObject } from "../src/storage/storage.ts";

/** A valid manifest; what a test is about it gives itself. */
export function aManifest(overrides: Partial<Manifest> = {}): Manifest {
  return {
    schema: 1,
    key: "database/app_20251122_030000.dump.zst",
    engine: "postgres",
    database: "app",
    created: "2025-11-22T03:00:00.000Z",
    durationSeconds: 2.5,
    bytes: 74_653_123,
    sha256: "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    crc32: "cbf43926",
    versionId: "3sL4kqtJlcpXroDTDmJ",
    dumpBytes: 681_574_400,
    compression: { name: "zstd", level: 3 },
    encryption: null,
    versions: { server: "15.14", tool: "pg_dump (PostgreSQL) 15.14" },
    container: {
      name: "app-db-1",
      id: "0f3c",
      image: "postgres:15",
      imageDigest: "sha256:4c2f",
    },
    rows: [
      { table: "public.users", rows: 1_200 },
      { table: "public.events", rows: 1_000_000 },
    ],
    dumpArgs: [],
    settings: { encoding: "UTF8" },
    holdfast: "0.1.0",
    run: { repository: "acme/app", url: null, commit: null, actor: null },
    ...overrides,
  };
}

export function anObject(overrides: Partial<StoredObject> = {}): StoredObject {
  return {
    key: "database/app_20251122_030000.dump.zst",
    bytes: 74_653_123,
    modified: new Date("2025-11-22T03:00:10.000Z"),
    etag: '"d41d8cd9"',
    versionId: undefined,
    ...overrides,
  };
}
