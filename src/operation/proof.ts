import type { Manifest } from "../backup/manifest.ts";
import { rowsFrom } from "../engine/engine.ts";
import { IntegrityError } from "../errors.ts";
import type { BackupInputs } from "../inputs.ts";
import type { Plan } from "./plan.ts";
import type { Transferred } from "./transfer.ts";

/** Where a backup comes from, as its manifest tells. */
export type Origin = Pick<Manifest, "container" | "holdfast" | "run">;

/**
 * The manifest of an artifact that is stored.
 *
 * @throws IntegrityError when the chain did not tell how long the dump was
 */
export function manifestOf(
  inputs: BackupInputs,
  { began, engine, database, key, stages }: Plan,
  { object, sha256, arrivedBytes, facts }: Transferred,
  origin: Origin,
): Manifest {
  const { compression, encryptTo, fingerprint, dumpArgs } = inputs;
  return {
    schema: 1,
    key,
    engine,
    database: database.name,
    created: began.toISOString(),
    durationSeconds: (Date.now() - began.getTime()) / 1_000,
    bytes: object.bytes,
    sha256,
    crc32: object.crc32 ?? null,
    versionId: object.versionId ?? null,
    // What nothing has changed on its way was counted when it arrived.
    dumpBytes: stages.length === 1 ? arrivedBytes : lengthIn(facts.get("bytes")),
    compression: { name: compression.name, level: compression.level ?? null },
    encryption: encryptTo.length > 0 ? { name: "age", recipients: [...encryptTo] } : null,
    versions: database.versions,
    rows: fingerprint === "rows" ? [...rowsFrom(facts)] : null,
    dumpArgs: [...dumpArgs],
    settings: database.settings,
    ...origin,
  };
}

function lengthIn(told: readonly string[] = []): number {
  const bytes = Number(told[0]?.trim() || Number.NaN);
  if (Number.isSafeInteger(bytes)) return bytes;
  throw new IntegrityError(`the length of the dump was told as ${JSON.stringify(told)}`, {
    hint: "Whatever compresses there, or `wc`, must count bytes. Nothing is kept of this backup.",
  });
}
