import { randomBytes } from "node:crypto";
import type { Readable } from "node:stream";
import { asError, ConnectionError } from "../errors.ts";
import script from "./answering.sh.ts";
import { type Flow, openFlow } from "./flow.ts";
import type { Host } from "./host.ts";
import { oneLine, quote } from "./quote.ts";
import { longestAnswer, type Outcome, tooLong } from "./run.ts";
import type { Stage } from "./stage.ts";
import { within } from "./within.ts";

/** What has been asked; `heard` is shown all of its stdout so far whenever more has come. */
interface Question extends PromiseWithResolvers<Outcome | undefined> {
  readonly name: string;
  readonly heard: (stdout: string) => void;
}

/** How long it may take until it is there, for those that want to come after it. */
const enteringMs = 10_000;

/**
 * A shell on a host that runs one command after another. The way into a container costs more than most answers, and this one is
 * gone once. Like every flow it ends when this process does, or its connection.
 */
export class Answering implements AsyncDisposable {
  readonly #where: string;
  readonly #mark = `holdfast-${randomBytes(12).toString("hex")}`;
  readonly #flow: Promise<Flow>;
  /** What has no answer yet, in the order in which it was asked; first the greeting, which nobody has asked for. */
  readonly #questions: Question[];
  #saying: Promise<void> = Promise.resolve();
  readonly #life: Promise<void>;
  #greeted = false;
  #over = false;

  /** Resolves once it is there, or turns out not to be. */
  readonly begun: Promise<void>;

  /** @param silenceMs how long the far side waits for a sign of life */
  constructor(host: Host, silenceMs: number) {
    this.#where = host.name;
    const greeting = question("the greeting");
    this.#questions = [greeting];
    this.begun = within(enteringMs, greeting.promise);
    const argv = ["sh", "-c", script, "answering", this.#mark];
    const stage = { name: "the shell", host, argv, secrets: [], tellsLength: false };
    this.#flow = openFlow([stage], silenceMs);
    this.#life = this.#live();
  }

  /**
   * Runs the command of a stage behind those that were asked for before it.
   *
   * @returns undefined when this shell cannot run it; nothing was done then
   * @throws ConnectionError, CommandError when it is lost on the way; the error of the stage's secrets
   */
  ask(stage: Stage, heard: (stdout: string) => void = () => {}): Promise<Outcome | undefined> {
    if (this.#over) return Promise.resolve(undefined);
    const asked = question(stage.name, heard);
    this.#questions.push(asked);
    this.#saying = this.#saying.then(() => this.#say(stage, asked)).catch(asked.reject);
    return asked.promise;
  }

  /** Ends what it runs, and itself; then whoever waits for that answer is given the error. */
  stop(error: Error): void {
    this.#flow.then(
      ({ stream }) => void stream.destroy(error),
      () => {},
    );
  }

  async #live(): Promise<void> {
    try {
      await using flow = await this.#flow;
      await this.#listen(flow.stream);
    } catch (thrown) {
      return this.#end(asError(thrown));
    }
    this.#end(undefined);
  }

  async #say({ argv, secrets }: Stage, { promise }: Question): Promise<void> {
    const command = oneLine(quote(argv));
    const flow = await this.#flow.catch(() => undefined);
    flow?.say(`run ${command}`);
    try {
      // A command may end before anybody knows what it should have read.
      const lines = await Promise.race([secrets, promise.then(() => [])]);
      for (const line of [...lines.map((text) => `>${text}`), "end"]) flow?.say(line);
    } catch (thrown) {
      this.stop(asError(thrown));
    }
  }

  async #listen(stream: Readable): Promise<void> {
    let text = "";
    for await (const piece of stream.setEncoding("utf8") as AsyncIterable<string>) {
      text += piece;
      for (let answer = this.#read(text); answer; answer = this.#read(text)) {
        text = answer.rest;
        this.#greeted = true;
        const asked = this.#questions.shift();
        asked?.heard(answer.outcome.stdout);
        asked?.resolve(answer.outcome);
      }
      const [asked] = this.#questions;
      asked?.heard(text);
      if (text.length > longestAnswer)
        throw tooLong(`${asked?.name} on ${this.#where}`, longestAnswer);
    }
  }

  /** The answer that a text begins with, once all of it is there. */
  #read(text: string): { readonly outcome: Outcome; readonly rest: string } | undefined {
    const border = `\n${this.#mark}`;
    const [stdout = "", told = "", ...rest] = text.split(border);
    if (rest.length === 0 || !rest[0]?.startsWith("\n")) return undefined;
    const [status, ...said] = told.split("\n");
    const exit = { code: Number(status), signal: undefined };
    const outcome = { exit, stdout, stderr: said.join("\n") };
    return { outcome, rest: rest.join(border).slice(1) };
  }

  /** What is being run is lost with the shell; what had to wait for it has not begun, and is asked elsewhere if that is possible. */
  #end(error: Error | undefined): void {
    this.#over = true;
    const [running, ...others] = this.#questions.splice(0);
    const all = error instanceof ConnectionError;
    if (error && (all || this.#greeted)) running?.reject(error);
    for (const asked of [running, ...others]) {
      if (all) asked?.reject(error);
      asked?.resolve(undefined);
    }
  }

  /** Ends it, once it is through with what it runs. */
  async leave(): Promise<void> {
    this.#over = true;
    const flow = await this.#flow.catch(() => undefined);
    flow?.say("leave");
    await this.#life;
  }

  /** Ends what it runs. What is idle ends at once, here or there: nobody has to wait for that. */
  async [Symbol.asyncDispose](): Promise<void> {
    const left = this.leave();
    if (this.#questions.length === 0) return;
    const flow = await this.#flow.catch(() => undefined);
    await flow?.[Symbol.asyncDispose]();
    await left;
  }
}

function question(name: string, heard: (stdout: string) => void = () => {}): Question {
  const promises = Promise.withResolvers<Outcome | undefined>();
  // Whoever asks may have been told of a failure already.
  promises.promise.catch(() => {});
  return { name, heard, ...promises };
}
