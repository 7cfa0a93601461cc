import type { Naming } from "./backup/key.ts";
import { type BackupInputs, readBackup } from "./inputs/backup.ts";
import {
  type BucketInputs,
  type RoleInputs,
  readBucketForReading,
  readRole,
} from "./inputs/bucket.ts";
import { readDatabaseName } from "./inputs/database.ts";
import { optional, type Read } from "./inputs/field.ts";
import { readNaming } from "./inputs/naming.ts";
import { type RestoreInputs, readRestore } from "./inputs/restore.ts";
import { minutes, oneOf } from "./inputs/value.ts";

export type { BackupInputs, RestoreInputs };

/** What the workflow asks for. `undefined` is the only way in which something is absent. */
export type Inputs = BackupInputs | RestoreInputs | ListInputs;

export interface ListInputs {
  readonly operation: "list";
  /** The name in keys of the only database to list; undefined for all. */
  readonly database: string | undefined;
  readonly bucket: BucketInputs;
  readonly role: RoleInputs | undefined;
  readonly naming: Naming;
  readonly timeoutMs: number | undefined;
}

const secretInputs = ["ssh-private-key", "ssh-passphrase", "db-password", "decrypt-with"];

/**
 * Reads and checks every input that the operation uses, and none that it does not use.
 *
 * @param read gives an input by name, "" when it is not set
 * @param mask keeps a text out of the log; called for each secret before anything can fail
 * @throws InputError naming the input and what it may be
 */
export function readInputs(read: Read, mask: (secret: string) => void): Inputs {
  for (const name of secretInputs) maskWhole(read(name), mask);
  const operation = optional(read, "operation", oneOf(["backup", "restore", "list"])) ?? "backup";
  switch (operation) {
    case "backup":
      return readBackup(read);
    case "restore":
      return readRestore(read);
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
