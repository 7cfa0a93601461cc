import { InputError } from "../errors.ts";
import type { ContainerChoice } from "../host/container.ts";
import type { SshAccess } from "../host/ssh.ts";
import type { Naming } from "../backup/key.ts";
import { readAccess, readContainer, readDocker } from "./access.ts";
import { type BackupInputs, readBackup } from "./backup.ts";
import { type BucketInputs, readBucket, readRole, type RoleInputs } from "./bucket.ts";
import { type DatabaseInputs, readDatabase, readDatabaseName } from "./database.ts";
import { type Field, lines, missing, optional, type Parse, refuse, type Read } from "./field.ts";
import { readIdentities } from "./identity.ts";
import { readNaming } from "./naming.ts";
import { type Patience, readPatience } from "./patience.ts";
import { boolean, keyValue, matching, text } from "./value.ts";

export interface RestoreInputs extends Patience {
  readonly operation: "restore";
  readonly access: SshAccess;
  readonly docker: readonly string[];
  readonly container: ContainerChoice | undefined;
  readonly source: DatabaseInputs;
  /** The name in keys of the database that is to be replaced, which `confirm` has repeated. */
  readonly database: string;
  readonly backup: BackupChoice;
  /** Restore under this name or path beside the live database; undefined replaces it. */
  readonly beside: string | undefined;
  /** What uses the database and is stopped while it is swapped. */
  readonly stopped: readonly ContainerChoice[];
  /** How the live database is backed up first; undefined not to. */
  readonly safety: BackupInputs | undefined;
  readonly keepPrevious: boolean;
  readonly allowOtherDatabase: boolean;
  /** age identities. */
  readonly identities: readonly string[];
  readonly bucket: BucketInputs;
  readonly role: RoleInputs | undefined;
  readonly naming: Naming;
  readonly dryRun: boolean;
}

/** What to restore. */
export type BackupChoice =
  /** The newest proven backup of the database. */
  | { readonly by: "latest" }
  /** What the last restore has replaced and kept. */
  | { readonly by: "previous" }
  | { readonly by: "key"; readonly key: string };

export async function readRestore(read: Read): Promise<RestoreInputs> {
  // First of all: who is not sure what is replaced must not come any further.
  const database = readConfirmed(read);
  const source = readDatabase(read);
  const safety = optional(read, "safety-backup", boolean) ?? true;
  return {
    operation: "restore",
    access: readAccess(read),
    docker: readDocker(read),
    container: readContainer(read),
    source,
    database,
    backup: readBackupChoice(read),
    beside: readBeside(read, source),
    stopped: readStopped(read),
    safety: safety ? safetyBackup(await readBackup(read)) : undefined,
    keepPrevious: optional(read, "keep-previous", boolean) ?? true,
    allowOtherDatabase: optional(read, "allow-other-database", boolean) ?? false,
    identities: await readIdentities(read),
    bucket: readBucket(read),
    role: readRole(read),
    naming: readNaming(read),
    ...readPatience(read),
    dryRun: optional(read, "dry-run", boolean) ?? false,
  };
}

/** The backup of what a restore replaces lies apart, where it is neither listed nor taken for the latest. */
function safetyBackup(inputs: BackupInputs): BackupInputs {
  const { prefix, timezone } = inputs.naming;
  const naming = { prefix: `${prefix}/before-restore`, template: undefined, timezone };
  return { ...inputs, naming, latest: "none", pruning: undefined, minSizeRatio: 0, dryRun: false };
}

function readBackupChoice(read: Read): BackupChoice {
  const backup = optional(read, "backup", text) ?? "latest";
  return backup === "latest" || backup === "previous" ? { by: backup } : { by: "key", key: backup };
}

/**
 * The name of the database that the workflow means, once `confirm` repeats it.
 *
 * @throws InputError naming `confirm` or `database`
 */
function readConfirmed(read: Read): string {
  const database = readDatabaseName(read) ?? missing("database");
  const confirm = optional(read, "confirm", text);
  if (confirm === database) return database;
  throw new InputError(
    confirm === undefined
      ? `confirm is not set, and a restore of ${database} wants it`
      : `confirm is ${JSON.stringify(confirm)}, not ${JSON.stringify(database)}`,
    { hint: `Set \`confirm\` to the name of the database that is to be replaced: ${database}` },
  );
}

/** The name or path to restore under beside the live database, in the same form as `database`. */
function readBeside(read: Read, source: DatabaseInputs): string | undefined {
  const beside = optional(read, "restore-to", source.engine === "postgres" ? text : filePath);
  if (beside === undefined || beside !== source.database) return beside;
  return refuse({ name: "restore-to", text: beside }, "another name than `database`");
}

const filePath: Parse<string> = (field) => {
  const parts = field.text.split("/");
  const isFile = !parts.some((part) => part === "." || part === "..") && parts.at(-1) !== "";
  return isFile ? field.text : refuse(field, "the path of a file, without `..`");
};

/** Containers by name, or by a label that all of some share. */
export function readStopped(read: Read): readonly ContainerChoice[] {
  return lines(read, "stop-containers", (field) =>
    field.text.includes("=") ? byLabel(field) : { by: "name", name: containerName(field) },
  );
}

function byLabel(field: Field): ContainerChoice {
  return { by: "labels", labels: [keyValue(field)] };
}

const containerName = matching(/^[a-zA-Z0-9][\w.-]*$/, "names of containers or label=value lines");
