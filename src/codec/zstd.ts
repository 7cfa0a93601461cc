import { constants, createZstdCompress } from "node:zlib";
import type { Codec } from "./codec.ts";

/** Zstandard (RFC 8878). @param level 1 to 19 */
export function zstd(level: number): Codec {
  return {
    name: "zstd",
    extension: "zst",
    magic: Buffer.from("28b52ffd", "hex"),
    commands: [["zstd", "-q", "-c", `-${level}`]],
    encoder: () => createZstdCompress({ params: { [constants.ZSTD_c_compressionLevel]: level } }),
  };
}
