import type { Host } from "./host.ts";
import { lifelineArgv } from "./lifeline.ts";
import { quote } from "./quote.ts";
import type { Stage } from "./stage.ts";

/** A chain of stages as one pipeline: run under a lifeline on `host`, it writes what the last stage writes. */
export interface Chain {
  readonly host: Host;
  /** Shell text for lifeline.sh. */
  readonly pipeline: string;
  /** What each `exit ID STATUS` fact of the pipeline is about, by ID. */
  readonly links: readonly Link[];
}

/** A command whose exit status a chain tells. */
export interface Link {
  readonly name: string;
  readonly host: Host;
}

/**
 * Builds the pipeline for stages that run on one host, or on a host and then on the hosts around it, in this order. Each host
 * but the last gets a lifeline here; the inner one is the first link of the outer one, reached by the host's own `entering`.
 * Behind the first stage stands a count when the next one does not tell how long the bare dump was.
 *
 * @param mark the word that begins each fact; letters, digits and `-` only
 * @param silenceMs how long a lifeline waits for a beat
 */
export function chain(
  stages: readonly [Stage, ...Stage[]],
  mark: string,
  silenceMs: number,
): Chain {
  const links: Link[] = [];
  const named = (name: string, host: Host): string => String(links.push({ name, host }) - 1);
  const link = (name: string, host: Host, argv: readonly string[]): string =>
    `stage ${named(name, host)} ${quote(argv)}`;

  const [first, ...rest] = stages;
  let host = first.host;
  let pipeline = [link(first.name, host, first.argv)];
  if (rest[0]?.tellsLength === false)
    pipeline.push(`count ${named(`the count of ${first.name}'s output`, host)}`);
  for (const stage of rest) {
    while (host !== stage.host) {
      const inner = lifelineArgv(mark, silenceMs, pipeline.join(" | "));
      const { outer } = host;
      if (!outer) throw new Error(`${stage.host.name} does not surround ${first.host.name}`);
      pipeline = [link(`the way into ${host.name}`, outer, host.entering(inner))];
      host = outer;
    }
    pipeline.push(link(stage.name, host, stage.argv));
  }
  return { host, pipeline: pipeline.join(" | "), links };
}
