import { createHash } from "node:crypto";
import type { EngineName } from "../engine/engine.ts";
import type { Metadata } from "../storage/storage.ts";

/**
 * The user metadata by which Holdfast knows an artifact that it made itself, for exactly this database and under this
 * key: S3 copies metadata too, and a copy that somebody made elsewhere is theirs.
 */
export function labelsOf(subject: {
  readonly engine: EngineName;
  readonly database: string;
  readonly key: string;
}): Metadata {
  const { engine, database, key } = subject;
  return {
    "holdfast-engine": engine,
    "holdfast-database": encodeURIComponent(database),
    // Not the key itself: S3 takes 2 KB of metadata, and a key may have 3 KB when it is put into ASCII.
    "holdfast-key-sha256": createHash("sha256").update(key).digest("hex"),
  };
}
