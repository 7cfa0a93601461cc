import { z } from "zod";
import { documentText, inspectDocument, trusted } from "./document.ts";
import { manifestKey } from "./key.ts";
import { type Manifest, manifestSchema } from "./manifest.ts";

/** The pointer to a database's newest backup: where it lies, and enough to tell whether it is a new one. */
const latestSchema = z.object({
  ...manifestSchema.pick({ schema: true, key: true, versionId: true }).shape,
  manifestKey: z.string().min(1),
  ...manifestSchema.pick({ created: true, bytes: true, sha256: true, engine: true, database: true })
    .shape,
});

export type Latest = Readonly<z.infer<typeof latestSchema>>;

/** The pointer to the backup of this manifest, as it is stored under `latestKey`. */
export function latestText(manifest: Manifest): string {
  const pointer = { ...manifest, manifestKey: manifestKey(manifest.key) };
  return documentText<Latest>(latestSchema, pointer);
}

/**
 * @param text what is stored under `key`, a `latestKey`
 * @throws IntegrityError when it is not such a pointer
 */
export function readLatest(text: string, key: string): Latest {
  return trusted(inspectDocument(latestSchema, text), `the pointer ${key}`);
}
