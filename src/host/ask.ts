import { CommandError, ConnectionError } from "../errors.ts";
import { Answering } from "./answering.ts";
import { lastLines, type Outcome } from "./run.ts";
import type { Stage } from "./stage.ts";

/** How long what looks at something may run on when the runner has vanished without a word. */
const silenceMs = 60_000;

/** What a server tells about itself it tells by then, or it hangs. */
export const answerMs = 5 * 60_000;

/**
 * Runs a command that looks at something, and may have to wait for it, to its end. Its failure is an answer. Like every flow
 * it ends when this process does, or its connection.
 *
 * @param heard is shown what has come so far, whenever something has: the stage's secrets may depend on it
 * @param longestMs how long it may take at most; undefined when that depends on how much there is to look at
 * @throws CommandError when there is no shell, or more than 8 MiB of answer
 * @throws ConnectionError when the host cannot be talked to or it takes too long; the error of the stage's secrets
 */
export async function tryStage(
  stage: Stage,
  heard: (stdout: string) => void = () => {},
  longestMs?: number,
): Promise<Outcome> {
  const { answering } = stage.host;
  const answered = answering && (await askOf(answering, stage, heard, longestMs));
  return answered ?? askAlone(stage, heard, longestMs);
}

/**
 * What a command prints whose failure is none of the answers.
 *
 * @throws CommandError unless it exited 0, with the last lines of its stderr; otherwise as {@link tryStage}
 */
export async function askFor(stage: Stage): Promise<string> {
  const { exit, stdout, stderr } = await tryStage(stage);
  if (exit.code === 0) return stdout;
  const said = lastLines(stderr);
  const failed = `${stage.name} on ${stage.host.name} failed with exit status ${exit.code}`;
  throw new CommandError(said ? `${failed}: ${said}` : failed, {
    hint: "What the tool itself said stands in the message.",
  });
}

/** Enters for nothing but this. */
async function askAlone(
  stage: Stage,
  heard: (stdout: string) => void,
  longestMs: number | undefined,
): Promise<Outcome> {
  await using answering = new Answering(stage.host, silenceMs);
  const asked = askOf(answering, stage, heard, longestMs);
  // At once, or it would wait for another word when it has answered, which is a round trip.
  const [answered] = await Promise.all([asked, answering.leave()]);
  if (!answered) throw answering.failure;
  return answered;
}

async function askOf(
  answering: Answering,
  stage: Stage,
  heard: (stdout: string) => void,
  longestMs: number | undefined,
): Promise<Outcome | undefined> {
  const tell = () => answering.stop(tooLate(stage, Number(longestMs)));
  const timer = longestMs === undefined ? undefined : setTimeout(tell, longestMs);
  try {
    return await answering.ask(stage, heard);
  } finally {
    clearTimeout(timer);
  }
}

function tooLate({ name, host }: Stage, longestMs: number): ConnectionError {
  const message = `${name} on ${host.name} got no answer within ${longestMs / 60_000} minutes`;
  const hint = "The server accepts connections but hangs. Look at its log, its disk and its locks.";
  return new ConnectionError(message, { hint, transient: true });
}
