import { Transform, type TransformCallback } from "node:stream";

/**
 * Hands Zstandard data on so that no chunk holds the end of one frame and the beginning of the next: of such a chunk
 * Node's decoder drops all that follows the first frame, and ends as if that had been everything.
 */
export class ZstdFrames extends Transform {
  readonly #walk = frames();
  #step = this.#walk.next().value;

  override _transform(chunk: Buffer, _encoding: BufferEncoding, done: TransformCallback): void {
    let from = 0;
    for (const start of this.#frameStarts(chunk)) {
      if (start > from) this.push(chunk.subarray(from, start));
      from = start;
    }
    done(null, chunk.subarray(from));
  }

  /** Where in the chunk frames begin. */
  *#frameStarts(chunk: Buffer): Generator<number> {
    for (let at = 0; ; at++) {
      const { skip, begins } = this.#step;
      const byte = chunk[at + skip];
      if (byte === undefined) {
        this.#step = { skip: skip - (chunk.length - at), begins };
        return;
      }
      at += skip;
      if (begins) yield at;
      this.#step = this.#walk.next(byte).value;
    }
  }
}

/** Which byte the walk wants to see next, and whether a frame begins with it. */
interface Step {
  readonly skip: number;
  readonly begins: boolean;
}

type Walk<Result> = Generator<Step, Result, number>;

/** RFC 8878, section 3: frames follow one another. What is none is left to the decoder to refuse. */
function* frames(): Walk<never> {
  for (let skip = 0; ; ) {
    const magic = yield* number(4, { skip, begins: true });
    if (magic === 0xfd2fb528) skip = yield* blocks();
    else if (magic >= 0x184d2a50 && magic <= 0x184d2a5f) skip = yield* number(4);
    else skip = Number.POSITIVE_INFINITY;
  }
}

/** Section 3.1.1. Returns how much of the frame is left after the header of its last block. */
function* blocks(): Walk<number> {
  const descriptor = yield next;
  let skip = headerBytes(descriptor);
  for (;;) {
    const block = yield* number(3, { skip, begins: false });
    // A block of one repeated byte has that alone, whatever size it says.
    skip = ((block >> 1) & 3) === 1 ? 1 : block >> 3;
    const checksumBytes = descriptor & 4;
    if (block & 1) return skip + checksumBytes;
  }
}

/** Section 3.1.1.1: what follows the descriptor are the window's, the dictionary's and the content's sizes. */
function headerBytes(descriptor: number): number {
  const windowBytes = descriptor & 32 ? 0 : 1;
  const dictionaryBytes = [0, 1, 2, 4][descriptor & 3] ?? 0;
  const contentBytes = [1 - windowBytes, 2, 4, 8][descriptor >> 6] ?? 0;
  return windowBytes + dictionaryBytes + contentBytes;
}

const next: Step = { skip: 0, begins: false };

/** A little-endian number. */
function* number(bytes: number, first = next): Walk<number> {
  let value = yield first;
  for (let place = 1; place < bytes; place++) value += (yield next) * 256 ** place;
  return value;
}
