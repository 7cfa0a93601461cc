import { createGunzip, createGzip } from "node:zlib";
import type { Codec } from "./codec.ts";
import { largePieces } from "./pieces.ts";

/** gzip (RFC 1952). @param level 1 to 9 */
export function gzip(level: number): Codec {
  return {
    name: "gzip",
    extension: "gz",
    magic: Buffer.from("1f8b", "hex"),
    encode: {
      commands: [{ argv: ["gzip", "-c", `-${level}`], tellsLength: false }],
      stream: () => createGzip({ level }),
    },
    decode: {
      commands: [{ argv: ["gzip", "-dc"], tellsLength: false }],
      stream: () => createGunzip(largePieces),
    },
  };
}
