import { constants, createZstdCompress } from "node:zlib";
import type { Codec } from "./codec.ts";
import script from "./zstd.sh.ts";

/** Zstandard (RFC 8878). @param level 1 to 19 */
export function zstd(level: number): Codec {
  return {
    name: "zstd",
    extension: "zst",
    magic: Buffer.from("28b52ffd", "hex"),
    commands: [{ argv: ["sh", "-c", script, "zstd", `-${level}`], tellsLength: true }],
    encoder: () => createZstdCompress({ params: { [constants.ZSTD_c_compressionLevel]: level } }),
  };
}
