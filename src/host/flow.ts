import { pipeline, type Readable, Transform, type TransformCallback } from "node:stream";
import { type Chain, chain } from "./chain.ts";
import { type Lifeline, newMark, startLifeline } from "./lifeline.ts";
import type { Facts, Stage } from "./stage.ts";
import { failureOf } from "./verdict.ts";

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
  const mark = newMark();
  const command = chain(stages, mark, silenceMs);
  const { host, pipeline: text } = command;
  const secrets = secretsOf(stages[0]);
  const { host: first } = stages[0];
  const there = await first.answering?.endWith(host === first ? text : undefined);
  return flowOver(there ?? (await startLifeline(host, mark, silenceMs, text)), command, secrets);
}

function secretsOf(stage: Stage): Promise<readonly string[]> {
  const secrets = Promise.resolve(stage.secrets);
  // Should the command not even start, nobody asks for them.
  secrets.catch(() => {});
  return secrets;
}

function flowOver(lifeline: Lifeline, command: Chain, secrets: Promise<readonly string[]>): Flow {
  lifeline.feed(secrets);
  const { told } = lifeline;
  const gate = new Gate(async () => {
    const exit = await lifeline.ended;
    await refusalOf(secrets);
    return failureOf(command, exit, told);
  });
  const stream = pipeline(lifeline.stdout, gate, () => {});
  return {
    stream,
    get bytes() {
      return gate.bytes;
    },
    facts: told.facts,
    say: (line) => lifeline.say(line),
    [Symbol.asyncDispose]: () => lifeline[Symbol.asyncDispose](),
  };
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
