import { pipeline, type Readable, Transform, type TransformCallback } from "node:stream";
import type { Codec } from "../codec/codec.ts";
import { headBytes } from "./recognise.ts";

/** More layers than anybody wraps a dump in: there are files that decode to themselves for ever. */
const mostLayers = 4;

/** The bytes inside all layers, and how they begin. */
export interface Unwrapped {
  readonly stream: Readable;
  readonly head: Buffer;
}

/**
 * Decodes what begins with a codec's magic bytes, again and again until nothing does.
 *
 * @throws the error of `stream` or of a decoder; so does the stream that is returned
 */
export async function unwrap(
  stream: Readable,
  codecs: readonly Codec[],
  layers = mostLayers,
): Promise<Unwrapped> {
  const beginning = new Beginning();
  pipeline(stream, beginning, () => {});
  const head = await beginning.head;
  const codec = codecs.find(({ magic }) => head.subarray(0, magic.length).equals(magic));
  if (!codec || layers === 0) return { stream: beginning, head };
  return unwrap(
    pipeline(beginning, codec.decode.stream(), () => {}),
    codecs,
    layers - 1,
  );
}

/** Hands bytes on unchanged, as soon as it can tell how they begin. */
class Beginning extends Transform {
  /** The first {@link headBytes}, fewer when there are no more. */
  readonly head: Promise<Buffer>;
  readonly #told = Promise.withResolvers<Buffer>();
  #chunks: Buffer[] | undefined = [];

  constructor() {
    super();
    this.head = this.#told.promise;
  }

  override _transform(chunk: Buffer, _encoding: BufferEncoding, done: TransformCallback): void {
    if (!this.#chunks) return done(null, chunk);
    this.#chunks.push(chunk);
    const bytes = this.#chunks.reduce((sum, { length }) => sum + length, 0);
    if (bytes >= headBytes) this.#release(this.#chunks);
    done();
  }

  override _flush(done: TransformCallback): void {
    if (this.#chunks) this.#release(this.#chunks);
    done();
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#told.reject(error);
    done(error);
  }

  #release(chunks: readonly Buffer[]): void {
    const bytes = Buffer.concat(chunks);
    this.#chunks = undefined;
    this.#told.resolve(bytes.subarray(0, headBytes));
    this.push(bytes);
  }
}
