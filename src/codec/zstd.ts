import { Duplex, pipeline } from "node:stream";
import { constants, createZstdCompress, createZstdDecompress } from "node:zlib";
import type { Codec } from "./codec.ts";
import { largePieces } from "./pieces.ts";
import script from "./zstd.sh.ts";
import { ZstdFrames } from "./zstd-frames.ts";

/** Zstandard (RFC 8878). @param level 1 to 19 */
export function zstd(level: number): Codec {
  return {
    name: "zstd",
    extension: "zst",
    magic: Buffer.from("28b52ffd", "hex"),
    encode: {
      commands: [{ argv: ["sh", "-c", script, "zstd", `-${level}`], tellsLength: true }],
      stream: () => createZstdCompress({ params: { [constants.ZSTD_c_compressionLevel]: level } }),
    },
    decode: {
      commands: [{ argv: ["zstd", "-dcq"], tellsLength: false }],
      stream: decoder,
    },
  };
}

function decoder(): Duplex {
  const frames = new ZstdFrames();
  const plain = pipeline(frames, createZstdDecompress(largePieces), () => {});
  return Duplex.from({ writable: frames, readable: plain });
}
