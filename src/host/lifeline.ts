import { randomBytes } from "node:crypto";
import type { Readable } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import { startBeating } from "./beat.ts";
import type { Exit, Host, Process } from "./host.ts";
import script from "./lifeline.sh.ts";
import { readLines } from "./lines.ts";
import { Tail } from "./tail.ts";
import type { Told } from "./verdict.ts";

/** How long a pipeline may take to end by itself once its lifeline is cut: the lifeline kills after 5 s. */
const endingMs = 7_000;

/** A word that nobody guesses: letters, digits and `-`. */
export function newMark(): string {
  return `holdfast-${randomBytes(12).toString("hex")}`;
}

/**
 * The command that runs a pipeline under lifeline.sh.
 *
 * @param mark the word that begins each fact
 * @param silenceMs how long it waits for a beat
 * @param pipeline shell text
 */
export function lifelineArgv(mark: string, silenceMs: number, pipeline: string): readonly string[] {
  return ["sh", "-c", script, "lifeline", mark, String(Math.ceil(silenceMs / 1000)), pipeline];
}

/** @throws ConnectionError when the host cannot be talked to */
export async function startLifeline(
  host: Host,
  mark: string,
  silenceMs: number,
  pipeline: string,
): Promise<Lifeline> {
  const process = await host.start(lifelineArgv(mark, silenceMs, pipeline));
  return new Lifeline(process, mark, silenceMs);
}

/** A pipeline that ends on its host when this process does, or its connection. Disposing ends it too. */
export class Lifeline implements AsyncDisposable {
  /** Ends when the output ends, which says nothing about success. */
  readonly stdout: Readable;
  /** Complete once it has `ended`; grows until then. */
  readonly told: Told;
  /** How it ended, once all has been told. Rejects with ConnectionError if that is unknown. */
  readonly ended: Promise<Exit>;
  readonly #process: Process;
  readonly #silenceMs: number;
  #stopBeating = (): void => {};

  constructor(process: Process, mark: string, silenceMs: number) {
    const { told, complete } = listen(process.stderr, mark);
    this.#process = process;
    this.#silenceMs = silenceMs;
    // A lost connection is told by how it ended.
    this.stdout = process.stdout.on("error", () => {});
    this.told = told;
    const ended = process.exit.finally(() => this.#stopBeating());
    this.ended = Promise.all([ended, complete]).then(([exit]) => exit);
    // Whoever reads stdout learns of a failure there; without a reader it is nobody's.
    this.ended.catch(() => {});
  }

  /** Gives the first stage the lines that it waits for, and keeps the pipeline alive from then on. */
  feed(lines: Promise<readonly string[]>): void {
    this.#stopBeating();
    this.#stopBeating = startBeating(this.#process, lines, this.#silenceMs / 6);
  }

  /** Sends the first stage a line. */
  say(line: string): void {
    this.#process.stdin.write(`${line}\n`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopBeating();
    this.#process.stdin.end();
    // What nobody reads any more must still flow, or the end behind it never comes.
    this.stdout.unpipe().resume();
    await Promise.race([this.ended.catch(() => {}), sleep(endingMs, undefined, { ref: false })]);
    await this.#process[Symbol.asyncDispose]();
  }
}

/** Parts the marked lines of stderr from what the tools print there. */
function listen(
  stderr: Readable,
  mark: string,
): { readonly told: Told; readonly complete: Promise<void> } {
  const facts = new Map<string, string[]>();
  const complaints = new Tail();
  const fact = (name: string) => facts.get(name) ?? facts.set(name, []).get(name) ?? [];
  const complete = readLines(stderr, (line) => {
    const [word, name = "", ...text] = line.split(" ");
    if (word === mark) fact(name).push(text.join(" "));
    else complaints.add(`${line}\n`);
  });
  return { told: { facts, complaints }, complete };
}
