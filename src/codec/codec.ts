import type { Duplex } from "node:stream";

/** A reversible transformation of the artifact. The artifact is of the same kind wherever it ran. */
export interface Codec {
  /** `zstd`, `gzip`, `age`. */
  readonly name: string;
  /** The file name extension that it adds: `zst`, `gz`, `age`. */
  readonly extension: string;
  /** The bytes that everything it writes begins with. */
  readonly magic: Buffer;
  /** What encodes stdin to stdout remotely, best first; empty when only the runner can do it. */
  readonly commands: readonly EncodingCommand[];
  /** The same on the runner, as a stream. */
  encoder(): Duplex;
}

/** A command line that encodes stdin to stdout. */
export interface EncodingCommand {
  readonly argv: readonly string[];
  /** Whether it tells how long its stdin was, as the fact `bytes N`. */
  readonly tellsLength: boolean;
}
