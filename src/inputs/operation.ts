import { optional, type Read } from "./field.ts";
import { oneOf } from "./value.ts";

const operations = ["backup", "restore", "list", "check", "prune", "doctor"] as const;

/** @throws InputError */
export function readOperation(read: Read): (typeof operations)[number] {
  return optional(read, "operation", oneOf(operations)) ?? "backup";
}
