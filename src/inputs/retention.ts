import type { Naming } from "../backup/key.ts";
import type { Policy } from "../backup/retention.ts";
import { type EngineName, engineNames } from "../engine/engine.ts";
import { InputError } from "../errors.ts";
import { type BucketInputs, readBucket, readRole, type RoleInputs } from "./bucket.ts";
import { readDatabaseName } from "./database.ts";
import { missing, optional, type Read, required } from "./field.ts";
import { readNaming } from "./naming.ts";
import { type Patience, readPatience } from "./patience.ts";
import { boolean, oneOf, ratio, wholeNumber } from "./value.ts";

/** How backups are pruned. */
export interface RetentionInputs {
  readonly policy: Policy;
  /** Whether deleting more than half of the backups at once is refused. */
  readonly fuse: boolean;
}

export interface PruneInputs extends Patience {
  readonly operation: "prune";
  /** The name in keys of the database whose backups are pruned. */
  readonly database: string;
  readonly engine: EngineName;
  readonly bucket: BucketInputs;
  readonly role: RoleInputs | undefined;
  readonly naming: Naming;
  /** Undefined when the workflow wants nothing pruned, ever. */
  readonly retention: RetentionInputs | undefined;
  readonly minSizeRatio: number;
  readonly dryRun: boolean;
}

export function readPrune(read: Read): PruneInputs {
  return {
    operation: "prune",
    database: readDatabaseName(read) ?? missing("database"),
    engine: required(read, "engine", oneOf(engineNames)),
    bucket: readBucket(read),
    role: readRole(read),
    naming: readNaming(read),
    retention: readRetention(read),
    minSizeRatio: optional(read, "min-size-ratio", ratio) ?? 0.5,
    ...readPatience(read),
    dryRun: optional(read, "dry-run", boolean) ?? false,
  };
}

/** How to prune after a backup; undefined not to. */
export function readPruneAfter(read: Read): RetentionInputs | undefined {
  const wanted = optional(read, "prune", boolean) ?? true;
  return wanted ? readRetention(read) : undefined;
}

function readRetention(read: Read): RetentionInputs | undefined {
  const policy = readPolicy(read);
  const fuse = optional(read, "prune-fuse", oneOf(["on", "off"])) ?? "on";
  return policy && { policy, fuse: fuse === "on" };
}

/** A century of hourly backups. */
const count = wholeNumber(0, 1_000_000);

/** @throws InputError naming `keep-last` when no rule would keep anything */
function readPolicy(read: Read): Policy | undefined {
  const last = optional(read, "keep-last", count);
  const others = {
    days: optional(read, "keep-days", count) ?? 30,
    daily: optional(read, "keep-daily", count) ?? 0,
    weekly: optional(read, "keep-weekly", count) ?? 0,
    monthly: optional(read, "keep-monthly", count) ?? 0,
    yearly: optional(read, "keep-yearly", count) ?? 0,
  };
  if (Object.values(others).some((number) => number > 0)) return { ...others, last: last ?? 3 };
  if (last === undefined) return undefined;
  if (last > 0) return { ...others, last };
  throw new InputError("keep-last is 0, and so is every other keep-* input", {
    hint: "Keep some backups by one of them. To prune nothing, set `prune: false`, or `keep-days: 0` alone.",
  });
}
