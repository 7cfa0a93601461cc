/** The end of a text that may be endless: keeps the last bytes it is given, in bounded memory. */
export class Tail {
  readonly #maxBytes: number;
  #chunks: Buffer[] = [];
  #bytes = 0;
  #cut = false;

  constructor(maxBytes = 16_384) {
    this.#maxBytes = maxBytes;
  }

  add(chunk: Buffer | string): void {
    const bytes = Buffer.from(chunk);
    this.#chunks.push(bytes);
    this.#bytes += bytes.length;
    // Joining at twice the size keeps the cost of a byte constant, however small the chunks.
    if (this.#bytes > 2 * this.#maxBytes) this.#shorten();
  }

  /** What was kept. When the beginning is lost it starts with a whole line, if one says something. */
  text(): string {
    if (this.#bytes > this.#maxBytes) this.#shorten();
    const text = Buffer.concat(this.#chunks).toString();
    const whole = this.#cut ? text.slice(text.indexOf("\n") + 1) : text;
    return whole.trim() === "" ? text : whole;
  }

  #shorten(): void {
    const kept = Buffer.concat(this.#chunks).subarray(-this.#maxBytes);
    this.#chunks = [kept];
    this.#bytes = kept.length;
    this.#cut = true;
  }
}
