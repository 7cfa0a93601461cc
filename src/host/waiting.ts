import { Answering } from "./answering.ts";
import type { Host, Process } from "./host.ts";
import { oneLine, quote } from "./quote.ts";
import { within } from "./within.ts";

/** A shell that waits for a line on stdin and becomes the command that stands there: what follows the line is its stdin. */
const waitingArgv = ["sh", "-c", 'IFS= read -r line && eval "exec $(printf %b "$line")"'];

/** The same for any login shell; no shell stays between us and the command's exit status or its signal. */
export const waitingCommand = `exec ${quote(waitingArgv)}`;

/** The line, without its end, that makes a waiting shell become `argv`. @throws InputError as {@link quote} */
export function waitingLine(argv: readonly string[]): string {
  return oneLine(quote(argv));
}

/** Tells a waiting shell what it is, by a {@link waitingLine}. */
export function become(shell: Process, line: string): Process {
  shell.stdin.on("error", () => {}).write(`${line}\n`);
  return shell;
}

/** How long the shells that wait let the one that answers go first. */
const enteringMs = 10_000;

/**
 * A host that is entered before anybody knows what for: the first `times` commands find a shell that waits for them, and
 * questions one that answers them all. The way into a container takes 60 ms of a processor's time, which then pass while something
 * else is waited for. Disposing ends the shells that nobody has needed.
 *
 * @param silenceMs how long the one that answers waits for a sign of life
 */
export function entered<H extends Host>(
  host: H,
  times: number,
  silenceMs: number,
): H & AsyncDisposable {
  const answering = new Answering(host, silenceMs);
  // Side by side they would only be in each other's way, and the first answer comes before the first command.
  const there = within(enteringMs, answering.greeting);
  const enter = () => there.then(() => host.start(waitingArgv));
  const shells = Array.from({ length: times }, enter);
  for (const shell of shells) shell.catch(() => {});
  return {
    ...host,
    answering,
    async start(argv) {
      const line = waitingLine(argv);
      const shell = shells.shift();
      const enterAnew = () => host.start(argv);
      const begin = shell ? () => shell.then((waits) => become(waits, line)) : enterAnew;
      return makingRoom(answering, begin, enterAnew);
    },
    async [Symbol.asyncDispose]() {
      await Promise.all([answering[Symbol.asyncDispose](), ...shells.splice(0).map(leave)]);
    },
  };
}

/** A host that is entered once: the shell that answers the questions becomes the first flow. Returns when it is on its way in. */
export async function enteredOnce<H extends Host>(
  host: H,
  silenceMs: number,
): Promise<H & AsyncDisposable> {
  const answering = new Answering(host, silenceMs, "ends with it");
  await answering.begun;
  return {
    ...host,
    answering,
    async start(argv) {
      const enter = () => host.start(argv);
      return makingRoom(answering, enter, enter);
    },
    [Symbol.asyncDispose]: () => answering[Symbol.asyncDispose](),
  };
}

/** Where few may come at a time, who only answers makes room. */
async function makingRoom(
  answering: Answering,
  begin: () => Promise<Process>,
  enterAnew: () => Promise<Process>,
): Promise<Process> {
  try {
    return await begin();
  } catch {
    await answering.leave();
    return enterAnew();
  }
}

/** How long a shell may take to end once nothing comes any more. */
const endingMs = 2_000;

async function leave(entering: Promise<Process>): Promise<void> {
  const shell = await entering.catch(() => undefined);
  if (!shell) return;
  shell.stdin.end();
  // A process has ended only when both of its outputs are read.
  for (const output of [shell.stdout, shell.stderr]) output.resume();
  await within(
    endingMs,
    shell.exit.catch(() => {}),
  );
  await shell[Symbol.asyncDispose]();
}
