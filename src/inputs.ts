import type { Naming } from "./backup/key.ts";
import type { Compression } from "./codec/index.ts";
import type { ContainerChoice } from "./host/container.ts";
import type { SshAccess } from "./host/ssh.ts";
import { readAccess, readContainer, readDocker } from "./inputs/access.ts";
import { readCompression, readRecipients } from "./inputs/artifact.ts";
import {
  type BucketInputs,
  type RoleInputs,
  readBucket,
  readBucketForReading,
  readRole,
} from "./inputs/bucket.ts";
import { type DatabaseInputs, readDatabase, readDatabaseName } from "./inputs/database.ts";
import { lines, optional, type Read } from "./inputs/field.ts";
import { readNaming } from "./inputs/naming.ts";
import { boolean, minutes, oneOf, ratio, text, wholeNumber } from "./inputs/value.ts";

/** What the workflow asks for. `undefined` is the only way in which something is absent. */
export type Inputs = BackupInputs | ListInputs;

export interface BackupInputs {
  readonly operation: "backup";
  readonly access: SshAccess;
  /** The argv that every command of the container engine begins with: `["sudo", "docker"]`. */
  readonly docker: readonly string[];
  /** Undefined to run on the host itself. */
  readonly container: ContainerChoice | undefined;
  readonly source: DatabaseInputs;
  readonly fingerprint: "rows" | "none";
  readonly dumpArgs: readonly string[];
  readonly compression: Compression;
  /** age recipients; empty to leave the artifact unencrypted. */
  readonly encryptTo: readonly string[];
  readonly bucket: BucketInputs;
  readonly role: RoleInputs | undefined;
  readonly naming: Naming;
  readonly latest: "pointer" | "copy" | "none";
  /** A backup smaller than this share of the previous one is worth a warning. */
  readonly minSizeRatio: number;
  readonly timeoutMs: number | undefined;
  readonly stallMs: number;
  /** How often the dump may begin again after the connection failed. */
  readonly retries: number;
  readonly dryRun: boolean;
}

export interface ListInputs {
  readonly operation: "list";
  /** The name in keys of the only database to list; undefined for all. */
  readonly database: string | undefined;
  readonly bucket: BucketInputs;
  readonly role: RoleInputs | undefined;
  readonly naming: Naming;
  readonly timeoutMs: number | undefined;
}

const secretInputs = ["ssh-private-key", "ssh-passphrase", "db-password"];

/**
 * Reads and checks every input that the operation uses, and none that it does not use.
 *
 * @param read gives an input by name, "" when it is not set
 * @param mask keeps a text out of the log; called for each secret before anything can fail
 * @throws InputError naming the input and what it may be
 */
export function readInputs(read: Read, mask: (secret: string) => void): Inputs {
  for (const name of secretInputs) maskWhole(read(name), mask);
  const operation = optional(read, "operation", oneOf(["backup", "list"])) ?? "backup";
  switch (operation) {
    case "backup":
      return readBackup(read);
    case "list":
      return readList(read);
  }
}

/** The lines of a secret are secret too, and a key may have its line ends written out as `\n`. */
function maskWhole(secret: string, mask: (secret: string) => void): void {
  const whole = secret.trim();
  // Masking a few letters would black out half the log.
  const parts = whole
    .split(/\r?\n|\\n/)
    .map((line) => line.trim())
    .filter((line) => line.length > 3);
  for (const text of new Set([whole, ...parts])) if (text !== "") mask(text);
}

function readBackup(read: Read): BackupInputs {
  return {
    operation: "backup",
    access: readAccess(read),
    docker: readDocker(read),
    container: readContainer(read),
    source: readDatabase(read),
    fingerprint: optional(read, "fingerprint", oneOf(["rows", "none"])) ?? "rows",
    dumpArgs: lines(read, "dump-args", text),
    compression: readCompression(read),
    encryptTo: readRecipients(read),
    bucket: readBucket(read),
    role: readRole(read),
    naming: readNaming(read),
    latest: optional(read, "latest", oneOf(["pointer", "copy", "none"])) ?? "pointer",
    minSizeRatio: optional(read, "min-size-ratio", ratio) ?? 0.5,
    timeoutMs: optional(read, "timeout-minutes", minutes),
    stallMs: optional(read, "stall-minutes", minutes) ?? 5 * 60_000,
    retries: optional(read, "retries", wholeNumber(0, 10)) ?? 2,
    dryRun: optional(read, "dry-run", boolean) ?? false,
  };
}

function readList(read: Read): ListInputs {
  return {
    operation: "list",
    database: readDatabaseName(read),
    bucket: readBucketForReading(read),
    role: readRole(read),
    naming: readNaming(read),
    timeoutMs: optional(read, "timeout-minutes", minutes),
  };
}
