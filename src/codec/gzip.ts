import { createGzip } from "node:zlib";
import type { Codec } from "./codec.ts";

/** gzip (RFC 1952). @param level 1 to 9 */
export function gzip(level: number): Codec {
  return {
    name: "gzip",
    extension: "gz",
    magic: Buffer.from("1f8b", "hex"),
    commands: [{ argv: ["gzip", "-c", `-${level}`], tellsLength: false }],
    encoder: () => createGzip({ level }),
  };
}
