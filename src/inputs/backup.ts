import type { Naming } from "../backup/key.ts";
import type { Compression } from "../codec/index.ts";
import type { HostCopyOptions } from "../host-copy/host-copy.ts";
import type { ContainerChoice } from "../host/container.ts";
import type { SshAccess } from "../host/ssh.ts";
import { readAccess, readContainer, readDocker } from "./access.ts";
import { readCompression, readRecipients } from "./artifact.ts";
import { type BucketInputs, readBucket, readRole, type RoleInputs } from "./bucket.ts";
import { type DatabaseInputs, readDatabase } from "./database.ts";
import { lines, optional, type Read } from "./field.ts";
import { readHostCopy } from "./host-copy.ts";
import { readNaming } from "./naming.ts";
import { type Patience, readPatience } from "./patience.ts";
import { type RetentionInputs, readPruneAfter } from "./retention.ts";
import { boolean, oneOf, ratio, text, wholeNumber } from "./value.ts";

export interface BackupInputs extends Patience {
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
  /** Where the Docker host keeps copies; undefined for nowhere. */
  readonly hostCopy: HostCopyOptions | undefined;
  readonly latest: "pointer" | "copy" | "none";
  /** How older backups are pruned afterwards; undefined not to. */
  readonly pruning: RetentionInputs | undefined;
  /** A backup smaller than this share of the previous one is worth a warning. */
  readonly minSizeRatio: number;
  /** How often the dump may begin again after the connection failed. */
  readonly retries: number;
  readonly dryRun: boolean;
}

export async function readBackup(read: Read): Promise<BackupInputs> {
  const naming = readNaming(read);
  const patience = readPatience(read);
  return {
    operation: "backup",
    access: readAccess(read),
    docker: readDocker(read),
    container: readContainer(read),
    source: readDatabase(read),
    fingerprint: optional(read, "fingerprint", oneOf(["rows", "none"])) ?? "rows",
    dumpArgs: lines(read, "dump-args", text),
    compression: readCompression(read),
    encryptTo: await readRecipients(read),
    bucket: readBucket(read),
    role: readRole(read),
    naming,
    hostCopy: readHostCopy(read, naming, patience),
    latest: optional(read, "latest", oneOf(["pointer", "copy", "none"])) ?? "pointer",
    pruning: readPruneAfter(read),
    minSizeRatio: optional(read, "min-size-ratio", ratio) ?? 0.5,
    ...patience,
    retries: optional(read, "retries", wholeNumber(0, 10)) ?? 2,
    dryRun: optional(read, "dry-run", boolean) ?? false,
  };
}
