import { InputError } from "../errors.ts";
import { readAccess, readContainer, readDocker } from "./access.ts";
import { readCompression, readRecipients } from "./artifact.ts";
import type { BackupInputs } from "./backup.ts";
import { readBucket, readRole } from "./bucket.ts";
import { readDatabase, readDatabaseName } from "./database.ts";
import { lines, optional, type Read } from "./field.ts";
import { readHostCopy } from "./host-copy.ts";
import { readNaming } from "./naming.ts";
import { type Patience, readPatience } from "./patience.ts";
import { readStopped, type RestoreInputs } from "./restore.ts";
import { oneOf, text } from "./value.ts";

/** Inputs that belong together; or the error that tells which of them are not set. */
export type Given<T> = T | InputError;

/** Those of a backup, and what a restore stops. What is missing is something to find. */
export interface DoctorInputs
  extends Patience,
    Pick<
      BackupInputs,
      | "docker"
      | "container"
      | "fingerprint"
      | "dumpArgs"
      | "compression"
      | "encryptTo"
      | "hostCopy"
      | "role"
      | "naming"
    >,
    Pick<RestoreInputs, "stopped"> {
  readonly operation: "doctor";
  readonly access: Given<BackupInputs["access"]>;
  /** False when no host key is known yet: none is accepted then, and the one that the host offers is shown. */
  readonly isPinned: boolean;
  readonly source: Given<BackupInputs["source"]>;
  /** The database's name in keys; undefined when its container knows it. */
  readonly database: string | undefined;
  readonly bucket: Given<BackupInputs["bucket"]>;
}

/** @throws InputError for what is set and cannot be read */
export async function readDoctor(read: Read): Promise<DoctorInputs> {
  const isSet = (name: string) => read(name).trim() !== "";
  const isPinned = isSet("ssh-known-hosts");
  const naming = readNaming(read);
  const patience = readPatience(read);
  const isFile = read("engine").trim() === "sqlite";
  const readPinned: Read = (name) =>
    name === "ssh-known-hosts" && !isPinned ? nobody : read(name);
  return {
    operation: "doctor",
    access: given(["ssh-host", "ssh-user", "ssh-private-key"], isSet, () => readAccess(readPinned)),
    isPinned,
    docker: readDocker(read),
    container: readContainer(read),
    source: given(isFile ? ["database"] : ["engine"], isSet, () => readDatabase(read)),
    database: readDatabaseName(read),
    fingerprint: optional(read, "fingerprint", oneOf(["rows", "none"])) ?? "rows",
    dumpArgs: lines(read, "dump-args", text),
    compression: readCompression(read),
    encryptTo: await readRecipients(read),
    stopped: readStopped(read),
    bucket: given(["bucket"], isSet, () => readBucket(read)),
    role: readRole(read),
    naming,
    hostCopy: readHostCopy(read, naming, patience),
    ...patience,
  };
}

/** Pins a key that nobody has to a host that does not exist (RFC 2606, section 2). */
const nobody = `nobody.invalid SHA256:${"A".repeat(43)}`;

function given<T>(
  names: readonly string[],
  isSet: (name: string) => boolean,
  parse: () => T,
): Given<T> {
  const missing = names.filter((name) => !isSet(name));
  if (missing.length === 0) return parse();
  const verb = missing.length === 1 ? "is" : "are";
  return new InputError(`${listed.format(missing)} ${verb} not set`, {
    hint: `Add ${listed.format(missing.map((name) => `\`${name}\``))} to the step's \`with\`.`,
  });
}

const listed = new Intl.ListFormat("en");

/** @throws InputError when they are not set */
export function demanded<T>(inputs: Given<T>): T {
  if (inputs instanceof InputError) throw inputs;
  return inputs;
}
