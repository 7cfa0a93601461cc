import { listCandidates, readIfThere } from "../backup/history.ts";
import { manifestKey, type Naming } from "../backup/key.ts";
import { type Manifest, readManifest } from "../backup/manifest.ts";
import type { EngineName } from "../engine/engine.ts";
import { CommandError, InputError, IntegrityError } from "../errors.ts";
import type { RestoreInputs } from "../inputs.ts";
import type { Storage, StoredObject } from "../storage/storage.ts";
import { nearest } from "./nearest.ts";
import { newestBackup } from "./newest.ts";

/** A stored object that a database can be made of. */
export interface Artifact {
  readonly object: StoredObject;
  /** Undefined for what another tool has made. */
  readonly manifest: Manifest | undefined;
  /** What it is to be restored by. */
  readonly engine: EngineName;
}

/** Which artifact a workflow wants, and into which database. */
export interface WantedArtifact {
  /** `latest`, or the key of any object. */
  readonly backup: string;
  readonly database: string;
  readonly engine: EngineName;
  /** Whether the backup that a key names may be one of another database. */
  readonly allowOtherDatabase: boolean;
}

/**
 * Finds what to restore. `latest` is the newest proven backup of exactly this database and engine. Under a key may lie what
 * another tool has made; what has a manifest must be as it says.
 *
 * @throws InputError when there is no such object, or it is one of another engine or database; IntegrityError when the
 *   manifest cannot be trusted, or the object is not as long as it says; StorageError
 */
export async function findArtifact(
  storage: Storage,
  naming: Naming,
  wanted: WantedArtifact,
): Promise<Artifact> {
  return wanted.backup === "latest"
    ? newestBackup(storage, naming, wanted)
    : findNamed(storage, naming, wanted);
}

/**
 * Finds what the inputs want restored.
 *
 * @returns undefined for what the last restore has kept, which lies beside the live database and not in the bucket
 * @throws InputError, IntegrityError, StorageError as {@link findArtifact}
 */
export async function chosen(
  { backup, database, source, naming, allowOtherDatabase, identities }: RestoreInputs,
  storage: Storage,
): Promise<Artifact | undefined> {
  if (backup.by === "previous") return undefined;
  const wanted = backup.by === "latest" ? backup.by : backup.key;
  const of = { backup: wanted, database, engine: source.engine, allowOtherDatabase };
  const artifact = await findArtifact(storage, naming, of);
  // Before anything is made that would be of no use then.
  refuseSealed(artifact, identities);
  return artifact;
}

async function findNamed(
  storage: Storage,
  naming: Naming,
  wanted: WantedArtifact,
): Promise<Artifact> {
  const { backup: key, engine } = wanted;
  const found = await storage.head(key);
  if (!found) throw await missing(storage, naming, key);
  const text = await readIfThere(storage, manifestKey(key));
  if (text === undefined) return { object: found.object, manifest: undefined, engine };
  const manifest = readManifest(text, key);
  refuseOther(manifest, wanted);
  refuseOtherSize(storage.uri(key), found.object, manifest);
  return { object: found.object, manifest, engine };
}

function refuseOther(manifest: Manifest, wanted: WantedArtifact): void {
  const { key, engine, database } = manifest;
  if (engine !== wanted.engine)
    throw new InputError(`${key} is a backup of ${engine}, not of ${wanted.engine}`, {
      hint: "Set `engine` to the backup's, or `backup` to a key of this engine.",
    });
  if (database !== wanted.database && !wanted.allowOtherDatabase)
    throw new InputError(
      `${key} is a backup of the database ${database}, not of ${wanted.database}`,
      { hint: "Add `allow-other-database: true` if that is what you want." },
    );
}

function refuseOtherSize(uri: string, { bytes }: StoredObject, manifest: Manifest): void {
  if (bytes === manifest.bytes) return;
  throw new IntegrityError(`${uri} has ${bytes} bytes, and its manifest says ${manifest.bytes}`, {
    hint: "The object was cut off or replaced after it was stored. Restore another backup.",
  });
}

async function missing(storage: Storage, naming: Naming, key: string): Promise<InputError> {
  const candidates = await listCandidates(storage, naming);
  const keys = candidates.map(({ object }) => object.key);
  const near = nearest(key, keys).join(", ");
  return new InputError(`there is no object ${storage.uri(key)}`, {
    hint: near ? `The keys most like it: ${near}` : "See `operation: list` for the keys there are.",
  });
}

/**
 * Refuses what is known to be encrypted when nothing to decrypt it with is there.
 *
 * @throws InputError naming `decrypt-with`
 */
export function refuseSealed({ object, manifest }: Artifact, identities: readonly string[]): void {
  if (!manifest?.encryption || identities.length > 0) return;
  const recipients = manifest.encryption.recipients.join(", ");
  throw new InputError(`${object.key} is encrypted to ${recipients}, and decrypt-with is not set`, {
    hint: "Set `decrypt-with` to the identity of one of them, from a secret.",
  });
}

/** What a tool says of bytes that it cannot read does not tell whose they were. */
export function notStaged(uri: string, { message, hint, cause }: CommandError): CommandError {
  return new CommandError(`${uri} could not be staged: ${message}`, { hint, cause });
}
