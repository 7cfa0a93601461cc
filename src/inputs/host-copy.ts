import { posix } from "node:path";
import type { Naming } from "../backup/key.ts";
import type { HostCopyOptions } from "../host-copy/host-copy.ts";
import { optional, type Parse, type Read, refuse } from "./field.ts";
import type { Patience } from "./patience.ts";
import { wholeNumber } from "./value.ts";

/** Where the Docker host keeps copies; undefined for nowhere. */
export function readHostCopy(
  read: Read,
  { timezone }: Naming,
  { stallMs }: Patience,
): HostCopyOptions | undefined {
  const given = optional(read, "host-copy-dir", directory);
  if (given === undefined) return undefined;
  const days = optional(read, "host-copy-days", wholeNumber(1, 36_500)) ?? 7;
  return { directory: given, days, timezone, stallMs };
}

/** What is pruned by age in it must not be the root of a disk. */
const directory: Parse<string> = (field) => {
  const path = posix.normalize(field.text).replace(/\/$/, "");
  const isDirectory = posix.isAbsolute(path) && path !== "" && !/\p{Cc}/u.test(path);
  return isDirectory ? path : refuse(field, "the absolute path of a directory on the host");
};
