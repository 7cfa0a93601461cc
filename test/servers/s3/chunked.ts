import { refusal } from "./errors.ts";

/** The trailing headers of a body, by lower-case name; complete once the body was read. */
export type Trailers = Map<string, string>;

/**
 * Decodes `Content-Encoding: aws-chunked` without chunk signatures: `SIZE CRLF bytes CRLF … 0 CRLF trailers CRLF`
 * (STREAMING-UNSIGNED-PAYLOAD-TRAILER in "Signature calculations: trailing headers" of the S3 API reference).
 *
 * @throws S3Error IncompleteBody, InvalidRequest
 */
export async function* decodeChunked(
  source: AsyncIterable<Buffer>,
  trailers: Trailers,
): AsyncGenerator<Buffer> {
  const input = new Input(source);
  for (let left = await chunkSize(input); left > 0; left = await chunkSize(input)) {
    while (left > 0) {
      const bytes = await input.take(left);
      left -= bytes.length;
      yield bytes;
    }
    if ((await input.line()) !== "") throw refusal("InvalidRequest", { message: "Chunk too long" });
  }
  for (let line = await input.line(); line !== ""; line = await input.line()) {
    const colon = line.indexOf(":");
    trailers.set(line.slice(0, colon).trim().toLowerCase(), line.slice(colon + 1).trim());
  }
}

async function chunkSize(input: Input): Promise<number> {
  const line = await input.line();
  if (!/^[0-9a-f]+$/i.test(line)) {
    throw refusal("InvalidRequest", { message: `Invalid chunk header: ${line.slice(0, 100)}` });
  }
  return Number.parseInt(line, 16);
}

/** Lines and runs of bytes from a stream of buffers. */
class Input {
  readonly #source: AsyncIterator<Buffer>;
  #rest: Buffer = Buffer.alloc(0);

  constructor(source: AsyncIterable<Buffer>) {
    this.#source = source[Symbol.asyncIterator]();
  }

  /** At least one byte, and at most `max`, without copying. */
  async take(max: number): Promise<Buffer> {
    while (this.#rest.length === 0) this.#rest = await this.#next();
    const taken = this.#rest.subarray(0, max);
    this.#rest = this.#rest.subarray(max);
    return taken;
  }

  /** The text before the next CRLF. */
  async line(): Promise<string> {
    let end = this.#rest.indexOf("\r\n");
    while (end === -1) {
      if (this.#rest.length > 8192) throw refusal("InvalidRequest", { message: "Line too long" });
      this.#rest = Buffer.concat([this.#rest, await this.#next()]);
      end = this.#rest.indexOf("\r\n");
    }
    const line = this.#rest.toString("latin1", 0, end);
    this.#rest = this.#rest.subarray(end + 2);
    return line;
  }

  async #next(): Promise<Buffer> {
    const { value, done } = await this.#source.next();
    if (done === true) throw refusal("IncompleteBody");
    return value;
  }
}
