import type { Naming } from "../backup/key.ts";
import { type EngineName, engineNames } from "../engine/engine.ts";
import { type BucketInputs, readBucketForReading, readRole, type RoleInputs } from "./bucket.ts";
import { readDatabaseName } from "./database.ts";
import { missing, optional, type Parse, type Read, refuse } from "./field.ts";
import { readNaming } from "./naming.ts";
import { type Patience, readPatience } from "./patience.ts";
import { oneOf, ratio } from "./value.ts";

export interface CheckInputs extends Patience {
  readonly operation: "check";
  /** The name in keys of the database to check. */
  readonly database: string;
  /** Undefined for whichever has backups. */
  readonly engine: EngineName | undefined;
  /** How long ago its newest backup may have begun. */
  readonly maxAgeMs: number;
  /** The share of the backup before that it may have shrunk to. */
  readonly minSizeRatio: number;
  readonly bucket: BucketInputs;
  readonly role: RoleInputs | undefined;
  readonly naming: Naming;
}

export function readCheck(read: Read): CheckInputs {
  return {
    operation: "check",
    database: readDatabaseName(read) ?? missing("database"),
    engine: optional(read, "engine", oneOf(engineNames)),
    maxAgeMs: optional(read, "max-age", age) ?? 26 * unitMs.h,
    minSizeRatio: optional(read, "min-size-ratio", ratio) ?? 0.5,
    bucket: readBucketForReading(read),
    role: readRole(read),
    naming: readNaming(read),
    ...readPatience(read),
  };
}

const unitMs = { m: 60_000, h: 3_600_000, d: 86_400_000 };

const age: Parse<number> = (field) => {
  const [, digits, unit] = /^(\d{1,6})([mhd])$/.exec(field.text) ?? [];
  const ms = Number(digits) * (unit === "m" || unit === "h" || unit === "d" ? unitMs[unit] : 0);
  return ms > 0 ? ms : refuse(field, "minutes, hours or days, such as 90m, 26h or 7d");
};
