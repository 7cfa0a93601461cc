import { pipeline } from "node:stream/promises";
import type { Readable } from "node:stream";
import { text } from "node:stream/consumers";
import { asError, CommandError } from "../../errors.ts";
import type { Host, Process } from "../../host/host.ts";
import { within } from "../../host/within.ts";
import type { Incoming } from "../restorer.ts";
import carryScript from "./restore-carry.sh.ts";
import { type Guard, openGuard, type Staging } from "./restore-guard.ts";

/**
 * Creates a database and restores a dump into it. It is there until disposed, unless it was renamed, and no longer than
 * the far side hears our beats.
 *
 * @param troubles reject when the restore must not go on
 * @throws the error of `dump.stream` itself, or of a trouble; CommandError with the last complaints; ConnectionError
 */
export async function stageDump(
  staging: Staging,
  dump: Incoming,
  troubles: readonly Promise<never>[],
): Promise<Guard> {
  await using opening = new AsyncDisposableStack();
  const guard = opening.use(await openGuard(staging, dump));
  const fifo = await guard.pipe;
  const staged = Promise.race([guard.staged, ...troubles]);
  staged.catch(() => {});
  await carry(dump.stream, { host: staging.psql.host, fifo }, staged);
  await staged;
  opening.move();
  return guard;
}

/** How long a pipeline that has failed may take to say so. */
const verdictMs = 10_000;

/**
 * Sends a dump into a pipe on the host.
 *
 * @param verdict fails when nobody needs the rest any more
 * @throws the error of the dump before that of the verdict, and that before any of the way
 */
async function carry(
  dump: Readable,
  { host, fifo }: { readonly host: Host; readonly fifo: string },
  verdict: Promise<unknown>,
): Promise<void> {
  await using carrier = await host.start(["sh", "-c", carryScript, "carry", fifo]);
  // Of several errors the first is the reason; a pipeline then gives it to all its streams.
  let first: "dump" | "way" | undefined;
  dump.once("error", () => (first ??= "dump"));
  // A lost connection closes it without an error.
  for (const event of ["error", "close"]) carrier.stdin.once(event, () => (first ??= "way"));
  const failed = new Promise<never>((_, reject) => {
    verdict.catch(reject);
  });
  const sent = send(dump, carrier, host);
  // A dump that stands still would never notice that nobody waits for it.
  sent.catch(() => {});
  try {
    await Promise.race([sent, failed]);
  } catch (thrown) {
    if (first === "dump") throw thrown;
    await within(verdictMs, verdict);
    await Promise.race([failed, Promise.reject(asError(thrown))]);
  }
}

async function send(dump: Readable, carrier: Process, host: Host): Promise<void> {
  carrier.stdout.resume();
  const complaints = text(carrier.stderr).catch(() => "");
  await pipeline(dump, carrier.stdin);
  const { code } = await carrier.exit;
  if (code === 0) return;
  throw new CommandError(
    `the dump could not be handed on in ${host.name}: ${(await complaints).trim()}`,
    { hint: "What the shell said stands in the message." },
  );
}
