import ask from "./ask.sh.ts";
import { openFlow } from "./flow.ts";
import { collect, type Outcome } from "./run.ts";
import type { Stage } from "./stage.ts";

/** How long what looks at something may run on when the runner has vanished without a word. */
const silenceMs = 60_000;

/**
 * Runs a command that looks at something, and may have to wait for it, to its end. Its failure is an answer. Like every flow
 * it ends when this process does, or its connection.
 *
 * @param heard is shown what has come so far, whenever something has: the stage's secrets may depend on it
 * @throws CommandError when there is no shell, or more than 8 MiB of answer
 * @throws ConnectionError when the host cannot be talked to; the error of the stage's secrets
 */
export async function tryStage(
  stage: Stage,
  heard: (stdout: string) => void = () => {},
): Promise<Outcome> {
  const argv = ["sh", "-c", ask, "ask", ...stage.argv];
  await using flow = await openFlow([{ ...stage, argv }], silenceMs);
  const title = `${stage.name} on ${stage.host.name}`;
  const stdout = await collect(flow.stream, title, { heard });
  const { facts } = flow;
  const exit = { code: Number(facts.get("status")?.[0]), signal: undefined };
  return { exit, stdout, stderr: (facts.get("said") ?? []).join("\n") };
}
