import { asError } from "../errors.ts";
import script from "./answering.sh.ts";
import type { Exit, Host } from "./host.ts";
import { type Lifeline, newMark, startLifeline } from "./lifeline.ts";
import { type Question, Questions } from "./questions.ts";
import { oneLine, quote } from "./quote.ts";
import type { Outcome } from "./run.ts";
import type { Stage } from "./stage.ts";
import { failureOf } from "./verdict.ts";

/** What a shell that answers does when the first flow on its host is opened. */
type Fate = "stays" | "ends with it";

/**
 * A shell on a host that runs one command after another. The way into a container costs more than most answers, and this one is
 * gone once. It ends when this process does, or its connection.
 */
export class Answering implements AsyncDisposable {
  readonly #host: Host;
  readonly #fate: Fate;
  readonly #questions: Questions;
  readonly #life: Promise<void>;
  #saying: Promise<void> = Promise.resolve();
  /** One that has become a flow is gone too. */
  #state: "answers" | "leaves" | "gone" = "answers";
  #failure: Error | undefined;

  /** Settles once its command is on its way; undefined when it cannot be. */
  readonly begun: Promise<Lifeline | undefined>;
  /** Settles once it is there, or turns out not to be. */
  readonly greeting: Promise<unknown>;

  /** @param silenceMs how long the far side waits for a sign of life */
  constructor(host: Host, silenceMs: number, fate: Fate = "stays") {
    const mark = newMark();
    this.#host = host;
    this.#fate = fate;
    this.#questions = new Questions(mark, host.name);
    this.greeting = this.#questions.greeting;
    const lifeline = startLifeline(host, mark, silenceMs, script);
    this.begun = lifeline.catch(() => undefined);
    this.#life = this.#live(lifeline);
  }

  /** Why it is gone, when it has answered nothing at all. */
  get failure(): Error {
    return this.#failure ?? new Error(`the shell on ${this.#host.name} has left`);
  }

  get #isGone(): boolean {
    return this.#state === "gone";
  }

  /**
   * Runs the command of a stage behind those that were asked for before it.
   *
   * @returns undefined when this shell cannot run it; nothing was done then
   * @throws ConnectionError, CommandError when it is lost on the way; InputError as {@link quote}; the error of the stage's secrets
   */
  async ask(
    stage: Stage,
    heard: (stdout: string) => void = () => {},
  ): Promise<Outcome | undefined> {
    if (this.#state !== "answers") return undefined;
    const command = oneLine(quote(stage.argv));
    const asked = this.#questions.add(stage.name, heard);
    this.#saying = this.#saying.then(() => this.#say(command, stage, asked));
    return asked.promise;
  }

  /**
   * Ends with the first flow of its host, if that is its fate: by becoming it, under the same lifeline.
   *
   * @param pipeline undefined for a flow that begins further out: this one only makes room for it
   * @returns undefined when the flow has to be started
   */
  async endWith(pipeline: string | undefined): Promise<Lifeline | undefined> {
    if (this.#fate === "stays" || this.#state !== "answers") return undefined;
    if (pipeline === undefined) {
      await this.leave();
      return undefined;
    }
    this.#state = "leaves";
    const [lifeline] = await Promise.all([this.begun, this.#saying, this.#questions.settled()]);
    if (this.#isGone) return undefined;
    this.#state = "gone";
    lifeline?.stdout.off("data", this.#hear).pause();
    lifeline?.say(`become ${oneLine(pipeline)}`);
    return lifeline;
  }

  /** Ends what it runs, and itself; then whoever waits for that answer is given the error. */
  stop(error: Error): void {
    this.#failure ??= error;
    void this.begun.then((lifeline) => {
      // What is told to end may still give an answer.
      lifeline?.stdout.off("data", this.#hear);
      return lifeline?.[Symbol.asyncDispose]();
    });
  }

  /** Ends it, once it is through with what it runs. */
  async leave(): Promise<void> {
    if (this.#isGone) return;
    this.#state = "leaves";
    const [lifeline] = await Promise.all([this.begun, this.#saying]);
    lifeline?.say("leave");
    await this.#life;
  }

  /** Ends what it runs. What is idle ends at once, here or there: nobody has to wait for that. */
  async [Symbol.asyncDispose](): Promise<void> {
    const left = this.leave();
    if (!this.#questions.areOpen) return;
    const lifeline = await this.begun;
    await lifeline?.[Symbol.asyncDispose]();
    await left;
  }

  async #live(begun: Promise<Lifeline>): Promise<void> {
    const lifeline = await begun.catch(asError);
    if (lifeline instanceof Error) this.#failure ??= lifeline;
    else await this.#listen(lifeline);
    this.#state = "gone";
    this.#questions.end(this.#failure);
  }

  async #listen(lifeline: Lifeline): Promise<void> {
    lifeline.feed(Promise.resolve([]));
    lifeline.stdout.on("data", this.#hear);
    const exit = await lifeline.ended.catch(asError);
    // Who has taken it over disposes of it.
    if (this.#isGone) return;
    await lifeline[Symbol.asyncDispose]();
    if (!this.#questions.areOpen) return;
    const shell = { name: "the shell", host: this.#host };
    const verdict = (how: Exit) => failureOf({ ...shell, links: [shell] }, how, lifeline.told);
    this.#failure ??= exit instanceof Error ? exit : verdict(exit);
  }

  async #say(command: string, { secrets }: Stage, { promise }: Question): Promise<void> {
    const lifeline = await this.begun;
    lifeline?.say(`run ${command}`);
    try {
      // A command may end before anybody knows what it should have read.
      const lines = await Promise.race([secrets, promise.then(() => [])]);
      for (const line of [...lines.map((text) => `>${text}`), "end"]) lifeline?.say(line);
    } catch (thrown) {
      this.stop(asError(thrown));
    }
  }

  readonly #hear = (piece: Uint8Array): void => {
    try {
      this.#questions.hear(piece);
    } catch (thrown) {
      this.stop(asError(thrown));
    }
  };
}
