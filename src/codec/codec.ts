import type { Duplex } from "node:stream";

/** A reversible transformation of the artifact. The artifact is of the same kind wherever it ran. */
export interface Codec {
  /** `zstd`, `gzip`, `age`. */
  readonly name: string;
  /** The file name extension that it adds: `zst`, `gz`, `age`. */
  readonly extension: string;
  /** The bytes that everything it writes begins with. */
  readonly magic: Buffer;
  readonly encode: Direction;
  /** Fails on what is damaged, cut off or of another kind, and never ends before its input does. */
  readonly decode: Direction;
}

/** One way through a codec. */
export interface Direction {
  /** What does it remotely, from stdin to stdout, best first; empty when only the runner can. */
  readonly commands: readonly CodecCommand[];
  /** The same on the runner. */
  stream(): Duplex;
}

/** A command line that encodes or decodes stdin to stdout. */
export interface CodecCommand {
  readonly argv: readonly string[];
  /** Whether it tells how long its stdin was, as the fact `bytes N`. */
  readonly tellsLength: boolean;
}
