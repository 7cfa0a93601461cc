import { keyParser, listingPrefixes, type Naming } from "../backup/key.ts";
import type { Storage, UnfinishedUpload } from "../storage/storage.ts";

/**
 * Aborts what killed runs have left of backups of exactly this database: uploads that have shown no sign of life for
 * `idleMs`. An upload that a parallel run is filling gets a part more often than that.
 *
 * @returns the aborted uploads
 */
export async function sweepUploads(
  storage: Storage,
  naming: Naming,
  database: string,
  idleMs: number,
): Promise<readonly UnfinishedUpload[]> {
  const parse = keyParser(naming);
  const before = Date.now() - idleMs;
  const swept: UnfinishedUpload[] = [];
  for (const prefix of listingPrefixes(naming)) {
    for await (const upload of storage.uploads.list(prefix)) {
      if (parse(upload.key)?.database !== database || upload.lastActive.getTime() > before)
        continue;
      await storage.uploads.abort(upload);
      swept.push(upload);
    }
  }
  return swept;
}
