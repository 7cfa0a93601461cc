import type { Host } from "./host.ts";
import lifeline from "./lifeline.sh.ts";
import { quote } from "./quote.ts";
import type { Stage } from "./stage.ts";

/** A chain of stages as one command: run on `host`, it writes what the last stage writes. */
export interface Chain {
  readonly host: Host;
  readonly argv: readonly string[];
  /** What each `exit ID STATUS` fact of the command is about, by ID. */
  readonly links: readonly Link[];
}

/** A command whose exit status a chain tells. */
export interface Link {
  readonly name: string;
  readonly host: Host;
}

/**
 * Builds the command for stages that run on one host, or on a host and then on the hosts around it, in this order. Each
 * host gets one lifeline; the inner one is the first link of the outer one, reached by the host's own `entering`.
 * Behind the first stage stands a count when the next one does not tell how long the bare dump was.
 *
 * @param mark the word that begins each fact; letters, digits and `-` only
 * @param silenceSeconds how long a lifeline waits for a beat
 */
export function chain(
  stages: readonly [Stage, ...Stage[]],
  mark: string,
  silenceSeconds: number,
): Chain {
  const links: Link[] = [];
  const named = (name: string, host: Host): string => String(links.push({ name, host }) - 1);
  const withLifeline = (host: Host, pipeline: readonly string[]): Chain => ({
    host,
    argv: ["sh", "-c", lifeline, "lifeline", mark, String(silenceSeconds), pipeline.join(" | ")],
    links,
  });
  const link = (name: string, host: Host, argv: readonly string[]): string =>
    `stage ${named(name, host)} ${quote(argv)}`;

  const [first, ...rest] = stages;
  let host = first.host;
  let pipeline = [link(first.name, host, first.argv)];
  if (rest[0]?.tellsLength === false)
    pipeline.push(`count ${named(`the count of ${first.name}'s output`, host)}`);
  for (const stage of rest) {
    while (host !== stage.host) {
      const inner = withLifeline(host, pipeline).argv;
      const { outer } = host;
      if (!outer) throw new Error(`${stage.host.name} does not surround ${first.host.name}`);
      pipeline = [link(`the way into ${host.name}`, outer, host.entering(inner))];
      host = outer;
    }
    pipeline.push(link(stage.name, host, stage.argv));
  }
  return withLifeline(host, pipeline);
}
