import { anomaliesOf } from "../backup/anomaly.ts";
import { manifestKey } from "../backup/key.ts";
import { hasChecksum, troubleWith, type Watched } from "../backup/watch.ts";
import { IntegrityError, OverdueError } from "../errors.ts";
import type { CheckInputs } from "../inputs.ts";
import { anomalyWarnings } from "../report/anomaly.ts";
import { aheadLine, checkSummary, soundLine, troubleText } from "../report/check.ts";
import type { Measure } from "../report/measuring.ts";
import { figuresOf } from "../report/metrics.ts";
import { backupOutputs, type Report } from "../report/report.ts";
import type { Storage } from "../storage/storage.ts";
import { nearest } from "./nearest.ts";
import { type Newest, newestTwo } from "./watched.ts";

/** What a check works with. */
export interface CheckRooms {
  readonly storage: Storage;
  readonly report: Report;
  readonly measure: Measure;
}

/**
 * Makes sure that there is a backup to rely on: list → read the newest manifests → ask for the object → judge → report. No
 * artifact is read.
 *
 * @throws OverdueError when there is no proven backup or the newest is too old; IntegrityError when its object is gone or not
 *   what the manifest says, or when it shrank; InputError, StorageError
 */
export async function check(inputs: CheckInputs, rooms: CheckRooms): Promise<void> {
  const { naming, maxAgeMs, minSizeRatio } = inputs;
  const { storage, report, measure } = rooms;
  const now = new Date();
  const found = await newestTwo(storage, naming, inputs, now);
  const { newest, previous } = found;
  if (!newest) throw missing(inputs, found, storage);
  warnOfTimes(newest, found, rooms);

  const { manifest } = newest;
  const head = await storage.head(manifest.key);
  const anomalies = anomaliesOf(manifest, previous ? [previous] : [], minSizeRatio);
  const trouble = troubleWith(newest, head, anomalies, { maxAgeMs, now });
  const uri = storage.uri(manifest.key);
  const looked = { uri, trouble, hasChecksum: hasChecksum(newest, head) };
  const story = { newest, previous, ...looked, maxAgeMs, now };

  const backupAgeSeconds = (now.getTime() - newest.at.getTime()) / 1_000;
  measure({ ...figuresOf(manifest, anomalies), backupAgeSeconds }, manifest);
  report.outputs(backupOutputs(manifest, uri));
  await report.summary(checkSummary(story));
  // What ends the run is said then, and not twice.
  const odd = anomalies.filter(({ kind }) => kind !== "shrunk");
  for (const { line, title } of anomalyWarnings(odd, previous?.manifest))
    report.warning(line, { title });
  if (!trouble) return report.info(soundLine(story));
  const { message, hint } = troubleText(trouble, story);
  throw new (trouble.kind === "old" ? OverdueError : IntegrityError)(message, { hint });
}

function warnOfTimes(newest: Watched, { flawed }: Newest, { storage, report }: CheckRooms): void {
  if (newest.isAhead) {
    const line = aheadLine(newest, storage.uri(newest.manifest.key));
    report.warning(line, { title: "A clock was wrong" });
  }
  const [newer] = flawed.filter(({ at }) => at > newest.at);
  if (newer) {
    const line = `${storage.uri(manifestKey(newer.key))} cannot be used: ${newer.what}. An older backup was checked`;
    report.warning(line, { title: "A backup is not proven" });
  }
}

function missing(
  { database, engine, naming }: CheckInputs,
  { flawed, databases }: Newest,
  storage: Storage,
): OverdueError {
  const whose = `the ${engine === undefined ? "" : `${engine} `}database ${database}`;
  const [first] = flawed;
  const why = first
    ? `; ${flawed.length} manifests were passed over, first ${storage.uri(manifestKey(first.key))}: ${first.what}`
    : "";
  const like = nearest(database, databases);
  const others = like.length > 0 ? ` There are backups of ${like.join(", ")}.` : "";
  return new OverdueError(
    `there is no proven backup of ${whose} under ${storage.uri(naming.prefix)}${why}`,
    {
      hint: `Run \`operation: backup\`. If it does run, give \`prefix\`, \`key-template\`, \`timezone\` and \`database\` as there, and for the path of a SQLite file \`engine: sqlite\`.${others}`,
    },
  );
}
