import { CommandError, ConnectionError } from "../errors.ts";
import ask from "./ask.sh.ts";
import { openFlow } from "./flow.ts";
import { collect, lastLines, type Outcome } from "./run.ts";
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
  const title = `${stage.name} on ${stage.host.name}`;
  const { answering } = stage.host;
  if (!answering) return askAlone(stage, title, heard, longestMs);
  using _ = limit(title, longestMs, (late) => answering.stop(late));
  return (await answering.ask(stage, heard)) ?? askAlone(stage, title, heard, longestMs);
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
  title: string,
  heard: (stdout: string) => void,
  longestMs: number | undefined,
): Promise<Outcome> {
  const argv = ["sh", "-c", ask, "ask", ...stage.argv];
  await using flow = await openFlow([{ ...stage, argv }], silenceMs);
  using _ = limit(title, longestMs, (late) => void flow.stream.destroy(late));
  const stdout = await collect(flow.stream, title, { heard });
  const { facts } = flow;
  const exit = { code: Number(facts.get("status")?.[0]), signal: undefined };
  return { exit, stdout, stderr: (facts.get("said") ?? []).join("\n") };
}

function limit(
  title: string,
  longestMs: number | undefined,
  end: (late: ConnectionError) => void,
): Disposable {
  const tell = () => {
    const message = `${title} got no answer within ${Number(longestMs) / 60_000} minutes`;
    const hint =
      "The server accepts connections but hangs. Look at its log, its disk and its locks.";
    end(new ConnectionError(message, { hint, transient: true }));
  };
  const timer = longestMs === undefined ? undefined : setTimeout(tell, longestMs);
  return { [Symbol.dispose]: () => clearTimeout(timer) };
}
