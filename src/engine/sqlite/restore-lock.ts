import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { CommandError, InputError } from "../../errors.ts";
import { type Flow, openFlow } from "../../host/flow.ts";
import type { SqlitePlace } from "./place.ts";
import { stageOf } from "./restore-script.ts";
import script from "./restore-lock.sh.ts";

/** A claim on a database file, which a process beside the file renews until it is disposed or this process is gone. */
export interface FileLock extends AsyncDisposable {
  /** What others tell it by. */
  readonly token: string;
}

/** A word by which one claim is told from others, as `claim.sh` wants it. */
export function newToken(): string {
  return randomBytes(8).toString("hex");
}

/** How long the far side waits for a sign of life before it gives the lock up. */
const silenceMs = 30_000;

/**
 * Claims a database file for a restore, be it there or not, by a file of its own in the same directory, which any place sees that sees the
 * database.
 *
 * @throws InputError when another restore or a backup has claimed it; CommandError when nothing can be written there
 */
export async function lockFile({ host, path }: SqlitePlace): Promise<FileLock> {
  const token = newToken();
  await using opening = new AsyncDisposableStack();
  const stage = stageOf(host, { name: "lock", text: script, args: [path, token] });
  const flow = opening.use(await openFlow([stage], silenceMs));
  const answer = await firstLine(flow);
  if (answer !== "locked") throw taken(path, answer);
  // A lost lock shows where it is needed: every step of a restore looks for the claim.
  flow.stream.on("error", () => {}).resume();
  const opened = opening.move();
  return { token, [Symbol.asyncDispose]: () => opened.disposeAsync() };
}

/** @throws CommandError when it has failed instead */
async function firstLine({ stream }: Flow): Promise<string> {
  const [chunk] = (await once(stream, "data").catch((cause: unknown) => {
    if (!(cause instanceof CommandError)) throw cause;
    throw new CommandError(cause.message, {
      hint: "A restore leaves a small file beside the database as long as it runs.",
      cause,
    });
  })) as [Buffer];
  return chunk.toString().trim();
}

function taken(path: string, answer: string): InputError {
  const [, kind, age] = /^held (\w+) (\d+)$/.exec(answer) ?? [];
  return new InputError(`a ${kind} of ${path} is at work, which gave a sign ${age} s ago`, {
    hint:
      "Let it end, then run again; a `concurrency` group keeps workflows of one database apart. " +
      "When it was killed, the database is free a minute after its last sign.",
  });
}
