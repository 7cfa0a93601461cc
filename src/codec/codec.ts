import type { Duplex } from "node:stream";

/** A reversible transformation of the artifact. The artifact is of the same kind wherever it ran. */
export interface Codec {
  /** `zstd`, `gzip`, `age`. */
  readonly name: string;
  /** The file name extension that it adds: `zst`, `gz`, `age`. */
  readonly extension: string;
  /** The bytes that everything it writes begins with. */
  readonly magic: Buffer;
  /** Command lines that encode stdin to stdout, best first; empty when only the runner can do it. */
  readonly commands: readonly (readonly string[])[];
  /** The same on the runner, as a stream. */
  encoder(): Duplex;
}
