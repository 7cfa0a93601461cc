import { randomBytes } from "node:crypto";
import { pipeline, type Readable, Transform, type TransformCallback } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import { startBeating } from "./beat.ts";
import { chain } from "./chain.ts";
import { readLines } from "./lines.ts";
import type { Facts, Stage } from "./stage.ts";
import { Tail } from "./tail.ts";
import { failureOf, type Told } from "./verdict.ts";

/** The bytes that come out of a chain of stages. Disposing ends the stages that still run. */
export interface Flow extends AsyncDisposable {
  /** Fails instead of ending unless every stage exited 0: what ended may be committed. */
  readonly stream: Readable;
  /** How many bytes have come so far. */
  readonly bytes: number;
  /** Sends a line to the first stage, behind its secrets. */
  say(line: string): void;
  /** Complete once `stream` has ended; grows until then. */
  readonly facts: Facts;
}

/** How long a chain may take to end by itself once its lifeline is cut: the lifeline kills after 5 s. */
const endingMs = 7_000;

/**
 * Starts the stages on their hosts and keeps them alive with a beat, so that they end when this process does.
 *
 * @param silenceMs how long the far side waits for a beat, and therefore the longest that anything can be left
 *   running there after the runner has vanished without a word
 * @throws ConnectionError when the host cannot be talked to
 */
export async function openFlow(
  stages: readonly [Stage, ...Stage[]],
  silenceMs: number,
): Promise<Flow> {
  const mark = `holdfast-${randomBytes(12).toString("hex")}`;
  const command = chain(stages, mark, Math.ceil(silenceMs / 1000));
  const secrets = secretsOf(stages[0]);
  const process = await command.host.start(command.argv);
  const told = listen(process.stderr, mark);
  const stopBeating = startBeating(process, secrets, silenceMs / 6);
  const ended = process.exit.finally(stopBeating);
  // Whoever reads the stream learns of a failure there; without a reader it is nobody's.
  ended.catch(() => {});

  const gate = new Gate(async () => {
    const [exit] = await Promise.all([ended, told.complete]);
    await refusalOf(secrets);
    return failureOf(command, exit, told);
  });
  const stream = pipeline(process.stdout, gate, () => {});
  return {
    stream,
    get bytes() {
      return gate.bytes;
    },
    facts: told.facts,
    say: (line) => void process.stdin.write(`${line}\n`),
    async [Symbol.asyncDispose]() {
      stopBeating();
      process.stdin.end();
      // What nobody reads any more must still flow, or the end behind it never comes.
      process.stdout
        .on("error", () => {})
        .unpipe()
        .resume();
      await Promise.race([ended.catch(() => {}), sleep(endingMs, undefined, { ref: false })]);
      await process[Symbol.asyncDispose]();
    },
  };
}

function secretsOf(stage: Stage): Promise<readonly string[]> {
  const secrets = Promise.resolve(stage.secrets);
  // Should the command not even start, nobody asks for them.
  secrets.catch(() => {});
  return secrets;
}

/**
 * Secrets that were refused are the reason why a command has ended; those that have not come by then never will.
 *
 * @throws their refusal
 */
function refusalOf(secrets: Promise<unknown>): Promise<unknown> {
  return Promise.race([secrets, Promise.resolve()]);
}

/** Counts what comes through, and ends only when the verdict then is that nothing has failed. */
class Gate extends Transform {
  bytes = 0;
  readonly #verdict: () => Promise<Error | undefined>;

  constructor(verdict: () => Promise<Error | undefined>) {
    super();
    this.#verdict = verdict;
  }

  override _transform(chunk: Buffer, _encoding: BufferEncoding, done: TransformCallback): void {
    this.bytes += chunk.length;
    done(null, chunk);
  }

  override _flush(done: TransformCallback): void {
    this.#verdict().then((failure) => done(failure ?? null), done);
  }
}

interface Listening extends Told {
  readonly complete: Promise<void>;
}

/** Parts the marked lines of stderr from what the tools print there. */
function listen(stderr: Readable, mark: string): Listening {
  const facts = new Map<string, string[]>();
  const complaints = new Tail();
  const fact = (name: string) => facts.get(name) ?? facts.set(name, []).get(name) ?? [];
  const complete = readLines(stderr, (line) => {
    const [word, name = "", ...text] = line.split(" ");
    if (word === mark) fact(name).push(text.join(" "));
    else complaints.add(`${line}\n`);
  });
  return { facts, complaints, complete };
}
