import { ConnectionError } from "../errors.ts";
import { longestAnswer, type Outcome, tooLong } from "./run.ts";

/** What has been asked; undefined for an answer says that it was not begun. */
export interface Question extends PromiseWithResolvers<Outcome | undefined> {
  readonly name: string;
  /** Is shown all of its stdout so far, whenever more has come. */
  readonly heard: (stdout: string) => void;
}

/** What a shell was asked, and the answers as answering.sh writes them: in the same order, and a greeting before them. */
export class Questions {
  /** Settles when the shell is there, or turns out not to be. */
  readonly greeting: Promise<unknown>;
  readonly #border: string;
  readonly #where: string;
  /** What has no answer yet; first the greeting, which nobody has asked for. */
  readonly #open: Question[] = [];
  readonly #decoder = new TextDecoder();
  #text = "";
  #greeted = false;

  /**
   * @param mark the word that parts the answers
   * @param where how messages call the shell's host
   */
  constructor(mark: string, where: string) {
    this.#border = `\n${mark}`;
    this.#where = where;
    this.greeting = this.add("the greeting", () => {}).promise;
  }

  /** Whether somebody waits for an answer. */
  get areOpen(): boolean {
    return this.#open.length > 0;
  }

  add(name: string, heard: Question["heard"]): Question {
    const asked = { name, heard, ...Promise.withResolvers<Outcome | undefined>() };
    // Whoever asks may have been told of a failure already.
    asked.promise.catch(() => {});
    this.#open.push(asked);
    return asked;
  }

  /**
   * Takes what the shell has written, in pieces of any size.
   *
   * @throws CommandError when an answer is too long
   */
  hear(piece: Uint8Array): void {
    this.#text += this.#decoder.decode(piece, { stream: true });
    for (let answer = this.#read(); answer; answer = this.#read()) {
      this.#greeted = true;
      const asked = this.#open.shift();
      asked?.heard(answer.stdout);
      asked?.resolve(answer);
    }
    const [asked] = this.#open;
    if (this.#text) asked?.heard(this.#text);
    if (this.#text.length > longestAnswer)
      throw tooLong(`${asked?.name} on ${this.#where}`, longestAnswer);
  }

  /** Takes an answer from the text, once all of it is there. */
  #read(): Outcome | undefined {
    const [stdout = "", told = "", ...rest] = this.#text.split(this.#border);
    if (rest.length === 0 || !rest[0]?.startsWith("\n")) return undefined;
    this.#text = rest.join(this.#border).slice(1);
    const [status, ...said] = told.split("\n");
    const exit = { code: Number(status), signal: undefined };
    return { exit, stdout, stderr: said.join("\n") };
  }

  /** Waits for all answers, whatever they are. */
  async settled(): Promise<void> {
    await Promise.allSettled(this.#open.map(({ promise }) => promise));
  }

  /**
   * The shell has ended. What it was running is lost with it; what had to wait for that has not begun, and can be asked elsewhere
   * unless the connection has gone.
   */
  end(failure: Error | undefined): void {
    const isCut = failure instanceof ConnectionError;
    const [running, ...others] = this.#open.splice(0);
    if (failure && (isCut || this.#greeted)) running?.reject(failure);
    for (const asked of [running, ...others]) {
      if (isCut) asked?.reject(failure);
      asked?.resolve(undefined);
    }
  }
}
