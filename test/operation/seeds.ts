import { keyFor, manifestKey, type Naming } from "../../src/backup/key.ts";
import { type Manifest, manifestText } from "../../src/backup/manifest.ts";
import type { EngineName } from "../../src/engine/engine.ts";
import { aManifest } from "../builders.ts";
import type { Past } from "../servers/s3/index.ts";

/** A backup that was made some day; what is not said is usual. */
export interface Seed {
  readonly at: Date;
  readonly database?: string;
  readonly engine?: EngineName;
  readonly prefix?: string;
  readonly template?: string;
  readonly extension?: string;
  readonly body?: string;
  readonly proven?: boolean;
  /** What its manifest says besides, or instead of the truth. */
  readonly manifest?: Partial<Manifest>;
  /** How artifact and manifest were stored. */
  readonly headers?: Readonly<Record<string, string>>;
}

const dayMs = 86_400_000;

/** So many days ago, in whole seconds, as keys tell them. */
export function daysAgo(days: number): Date {
  return new Date(Math.floor((Date.now() - days * dayMs) / 1_000) * 1_000);
}

export function keyOf(seed: Seed): string {
  const { at, database = "app", engine = "postgres", prefix = "database", template } = seed;
  const naming: Naming = { prefix, template, timezone: "UTC" };
  const { extension = engine === "sqlite" ? "db.zst" : "dump.zst" } = seed;
  return keyFor(naming, { database, engine, extension }, at);
}

/** The objects of a backup, as a bucket is filled with them. */
export function objectsOf(seed: Seed): readonly Past[] {
  const { at, database = "app", engine = "postgres", body = "a dump", headers = {} } = seed;
  const key = keyOf(seed);
  const stored = { modified: at, headers };
  const artifact = { key, body, ...stored };
  if (seed.proven === false) return [artifact];
  const told = { key, database, engine, created: at.toISOString(), bytes: body.length };
  const manifest = aManifest({ ...told, versionId: null, rows: null, ...seed.manifest });
  return [artifact, { key: manifestKey(key), body: manifestText(manifest), ...stored }];
}
