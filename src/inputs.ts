import type { Naming } from "./backup/key.ts";
import { type BackupInputs, readBackup } from "./inputs/backup.ts";
import {
  type BucketInputs,
  type RoleInputs,
  readBucketForReading,
  readRole,
} from "./inputs/bucket.ts";
import { type CheckInputs, readCheck } from "./inputs/check.ts";
import { readDatabaseName } from "./inputs/database.ts";
import { type DoctorInputs, readDoctor } from "./inputs/doctor.ts";
import type { Read } from "./inputs/field.ts";
import { checkTelling } from "./inputs/messages.ts";
import { readNaming } from "./inputs/naming.ts";
import { readOperation } from "./inputs/operation.ts";
import { type RestoreInputs, readRestore } from "./inputs/restore.ts";
import { type PruneInputs, readPrune } from "./inputs/retention.ts";
import { type Patience, readPatience } from "./inputs/patience.ts";

export { demanded } from "./inputs/doctor.ts";
export { readMeasured } from "./inputs/measured.ts";
export { readTelling, type Telling } from "./inputs/messages.ts";
export type { BackupInputs, CheckInputs, DoctorInputs, PruneInputs, RestoreInputs, RoleInputs };

/** What the workflow asks for. `undefined` is the only way in which something is absent. */
export type Inputs =
  | BackupInputs
  | RestoreInputs
  | ListInputs
  | CheckInputs
  | PruneInputs
  | DoctorInputs;

export interface ListInputs extends Patience {
  readonly operation: "list";
  /** The name in keys of the only database to list; undefined for all. */
  readonly database: string | undefined;
  readonly bucket: BucketInputs;
  readonly role: RoleInputs | undefined;
  readonly naming: Naming;
}

const secretInputs = [
  "ssh-private-key",
  "ssh-passphrase",
  "db-password",
  "decrypt-with",
  "heartbeat-url",
];

/** Masks every input that is a secret, whatever else the inputs say. */
export function maskSecrets(read: Read, mask: (secret: string) => void): void {
  for (const name of secretInputs) maskWhole(read(name), mask);
}

/**
 * Reads and checks every input that the operation uses, and none that it does not use.
 *
 * @param read gives an input by name, "" when it is not set
 * @param mask keeps a text out of the log; called for each secret before anything can fail
 * @throws InputError naming the input and what it may be
 */
export async function readInputs(read: Read, mask: (secret: string) => void): Promise<Inputs> {
  maskSecrets(read, mask);
  // Refused like any other, though no operation uses them.
  checkTelling(read);
  const operation = readOperation(read);
  switch (operation) {
    case "backup":
      return readBackup(read);
    case "restore":
      return readRestore(read);
    case "list":
      return readList(read);
    case "check":
      return readCheck(read);
    case "prune":
      return readPrune(read);
    case "doctor":
      return readDoctor(read);
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
    ...readPatience(read),
  };
}
