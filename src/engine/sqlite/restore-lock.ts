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

export interface Claim {
  /** A restore wants to be alone; backups get along with each other. */
  readonly kind: "restore" | "backup";
  /** The lock whose holder makes this claim himself: the backup that a restore makes first. */
  readonly besides: FileLock | undefined;
}

/** How long the far side waits for a sign of life before it gives the lock up. */
const silenceMs = 30_000;

/** Twice as long as a far side takes to give up, so that nobody is behind a claim that was not renewed for so long. */
const staleSeconds = (2 * silenceMs) / 1_000;

/**
 * Claims a database file, be it there or not, by a file of its own in the same directory, which any place sees that sees the
 * database.
 *
 * @throws InputError when somebody else has claimed it; CommandError when nothing can be written there
 */
export async function lockFile(
  { host, path }: SqlitePlace,
  { kind, besides }: Claim,
): Promise<FileLock> {
  const token = randomBytes(8).toString("hex");
  const args = [path, kind, token, besides?.token ?? "", String(staleSeconds)];
  await using opening = new AsyncDisposableStack();
  const stage = stageOf(host, { name: "lock", text: script, args });
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
      `When it was killed, the database is free ${staleSeconds} s after its last sign.`,
  });
}
