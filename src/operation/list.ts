import { toJson } from "../backup/entry.ts";
import { listBackups } from "../backup/history.ts";
import type { ListInputs } from "../inputs.ts";
import { listLines, listSummary } from "../report/listing.ts";
import type { Report } from "../report/report.ts";
import type { Storage } from "../storage/storage.ts";

/** Shows the backups in a bucket, newest first: in the log, in the summary and in the output `backups`. */
export async function list(
  { naming, database }: ListInputs,
  storage: Storage,
  report: Report,
): Promise<void> {
  const entries = await listBackups(storage, naming, { database, engine: undefined });
  const now = new Date();
  for (const line of listLines(entries, now)) report.info(line);
  report.outputs({
    backups: entries.map((entry) => toJson(entry, storage.uri(entry.object.key), now)),
  });
  await report.summary(listSummary(entries, now));
}
