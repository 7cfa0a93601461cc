import { z } from "zod";
import { documentText, flawed, inspectDocument, type Reading, trusted } from "./document.ts";
import { manifestKey } from "./key.ts";

const tableRows = z.object({ table: z.string(), rows: z.number().int().nonnegative() });

/**
 * What one backup is, stored beside it as `KEY.manifest.json` and written last: an object without a valid
 * manifest is not a proven backup. Documented for readers in docs/manifest.md.
 */
export const manifestSchema = z.object({
  schema: z.literal(1),
  key: z.string().min(1),
  engine: z.enum(["postgres", "sqlite"]),
  database: z.string().min(1),
  /** When the backup began, ISO 8601 in UTC. */
  created: z.iso.datetime(),
  durationSeconds: z.number().nonnegative(),
  /** Size and SHA-256 (hex) of the stored object, as it lies in the bucket. */
  bytes: z.number().int().nonnegative(),
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
  /** CRC-32 (hex) of the same bytes, to compare with what stores keep; older manifests have none. */
  crc32: z
    .string()
    .regex(/^[0-9a-f]{8}$/)
    .nullable()
    .default(null),
  versionId: z.string().nullable(),
  /** Bytes of the dump itself, before compression and encryption. */
  dumpBytes: z.number().int().nonnegative(),
  compression: z.object({
    name: z.enum(["zstd", "gzip", "none"]),
    level: z.number().int().nullable(),
  }),
  encryption: z.object({ name: z.literal("age"), recipients: z.array(z.string()) }).nullable(),
  versions: z.object({ server: z.string(), tool: z.string() }),
  container: z
    .object({ name: z.string(), id: z.string(), image: z.string(), imageDigest: z.string() })
    .nullable(),
  /** Row counts in the dump's own state of the database; null when no fingerprint was taken. */
  rows: z.array(tableRows).nullable(),
  dumpArgs: z.array(z.string()),
  /** What is needed to create an equal, empty database elsewhere; its shape belongs to the engine. */
  settings: z.record(z.string(), z.json()),
  holdfast: z.string(),
  run: z.object({
    repository: z.string().nullable(),
    url: z.string().nullable(),
    commit: z.string().nullable(),
    actor: z.string().nullable(),
  }),
});

export type Manifest = Readonly<z.infer<typeof manifestSchema>>;
export type TableRows = Readonly<z.infer<typeof tableRows>>;

/** The manifest as it is stored: JSON for people and programs, the same text for the same manifest. */
export function manifestText(manifest: Manifest): string {
  return documentText(manifestSchema, manifest);
}

/**
 * The manifest that stands beside `key`.
 *
 * @param text what is stored under `manifestKey(key)`
 * @throws IntegrityError when it is not a manifest, of a schema that is not known yet, or of another key
 */
export function readManifest(text: string, key: string): Manifest {
  return trusted(inspectManifest(text, key), `the manifest ${manifestKey(key)}`);
}

/** The same, telling what is wrong instead of throwing it. */
export function inspectManifest(text: string, key: string): Reading<Manifest> {
  const reading = inspectDocument(manifestSchema, text);
  if (reading.flaw || reading.value.key === key) return reading;
  return flawed({
    what: `it is that of ${reading.value.key}`,
    hint: "The backup was moved or overwritten: use the one under the key that the manifest names.",
    cause: undefined,
  });
}
