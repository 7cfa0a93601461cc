import type { Proven } from "../backup/entry.ts";
import { judgeAll, surveyBucket } from "../backup/history.ts";
import { keyFor } from "../backup/key.ts";
import type { Codec } from "../codec/codec.ts";
import { codecsFor } from "../codec/index.ts";
import { placeCodecs } from "../codec/place.ts";
import type { Survey } from "../backup/survey.ts";
import type { Database, Engine, EngineName } from "../engine/engine.ts";
import { InputError, StorageError } from "../errors.ts";
import type { Stage } from "../host/stage.ts";
import type { HostCopy } from "../host-copy/host-copy.ts";
import type { BackupInputs } from "../inputs.ts";
import type { BackupRooms } from "./backup.ts";
import type { Storage, StoredObject } from "../storage/storage.ts";

/** What a backup is going to do, found out without changing anything. */
export interface Plan {
  readonly began: Date;
  readonly engine: Engine["name"];
  readonly database: Database;
  readonly key: string;
  /** All extensions of the artifact: `dump.zst`. */
  readonly extension: string;
  /** What runs remotely, in order; the first stage is the dump. */
  readonly stages: readonly [Stage, ...Stage[]];
  /** What is left for the runner. */
  readonly codecs: readonly Codec[];
  /** The copy on the Docker host, whose stage is the last one; undefined when none was asked for. */
  readonly copy: HostCopy | undefined;
  /** What lies in the bucket. */
  readonly survey: Survey;
  /** The proven backups of the same database before this one, newest first, as many as a chart shows. */
  readonly earlier: readonly Proven[];
  /** What lies under keys of this database and has no manifest, whoever made it. */
  readonly unproven: readonly StoredObject[];
}

const chartLength = 30;

/**
 * @throws InputError, CommandError, ConnectionError when the database cannot be dumped; StorageError when the bucket cannot be
 *   read or the key is taken
 */
export async function planBackup(
  inputs: BackupInputs,
  { engine, storage, copyOnHost }: Pick<BackupRooms, "engine" | "storage" | "copyOnHost">,
): Promise<Plan> {
  const began = new Date();
  const codecs = codecsFor(inputs.compression, inputs.encryptTo);
  // At once, since over a long link the way there and back is all that each costs; and what needs no answers of its own first.
  const [placement, database, survey] = await Promise.all([
    placeCodecs(engine.host, codecs),
    engine.inspect(),
    surveyBucket(storage, inputs.naming),
  ]);
  const dump = engine.dump(database);
  const extension = [engine.extension, ...codecs.map((codec) => codec.extension)].join(".");
  const subject = { database: database.name, engine: engine.name, extension };
  const key = keyFor(inputs.naming, subject, began);
  const [{ remote, local }, history] = await Promise.all([
    dump.host === engine.host ? placement : placeCodecs(dump.host, codecs),
    readHistory(storage, survey, subject),
    refuseTaken(storage, key),
  ]);
  if (copyOnHost) refuseLeft(local);
  const likelyBytes = history.earlier[0]?.manifest.bytes;
  const copy = await copyOnHost?.({ ...subject, began, likelyBytes });
  return {
    began,
    engine: engine.name,
    database,
    key,
    extension,
    stages: [dump, ...remote, ...(copy ? [copy.stage] : [])],
    codecs: local,
    copy,
    survey,
    ...history,
  };
}

/** What is made on the runner does not come past the host. */
function refuseLeft([codec]: readonly Codec[]): void {
  if (!codec) return;
  throw new InputError(
    `host-copy-dir wants an artifact that is finished on the host, which has no ${codec.name} for it`,
    {
      hint: `Install ${codec.name} on the host, or leave host-copy-dir out.`,
    },
  );
}

async function readHistory(
  storage: Storage,
  { candidates }: Survey,
  { database, engine }: { readonly database: string; readonly engine: EngineName },
): Promise<Pick<Plan, "earlier" | "unproven">> {
  const entries = await judgeAll(storage, candidates, { database, engine, limit: chartLength });
  return {
    earlier: entries.filter((entry) => entry.kind === "proven"),
    unproven: candidates
      .filter(({ parsed, hasManifest }) => parsed?.database === database && !hasManifest)
      .map(({ object }) => object),
  };
}

/** The upload would find out too, but only after the whole dump. */
async function refuseTaken(storage: Storage, key: string): Promise<void> {
  for await (const object of storage.list(key)) {
    if (object.key !== key) return;
    throw new StorageError(`${storage.uri(key)} exists already`, {
      hint: "A backup is never overwritten. Run again, or give key-template more of the time.",
    });
  }
}
