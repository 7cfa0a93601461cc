import type { Host } from "../host/host.ts";
import { run } from "../host/run.ts";
import type { Stage } from "../host/stage.ts";
import type { Codec } from "./codec.ts";

/** Where each codec of an artifact runs: the remote ones as stages, the rest on the runner. */
export interface Placement {
  readonly remote: readonly Stage[];
  readonly local: readonly Codec[];
}

/**
 * Puts every codec at the earliest place that has its tool: the host of the dump, the hosts around it, the runner. A codec
 * never runs before the one that it follows, so once one is on the runner all later ones are.
 */
export async function placeCodecs(source: Host, codecs: readonly Codec[]): Promise<Placement> {
  const remote: Stage[] = [];
  let from: Host | undefined = source;
  for (const [index, codec] of codecs.entries()) {
    const stage: Stage | undefined = await earliest(from, codec);
    if (!stage) return { remote, local: codecs.slice(index) };
    remote.push(stage);
    from = stage.host;
  }
  return { remote, local: [] };
}

async function earliest(from: Host | undefined, codec: Codec): Promise<Stage | undefined> {
  if (codec.commands.length === 0) return undefined;
  for (let host = from; host; host = host.outer) {
    const argv = await firstPresent(host, codec.commands);
    if (argv) return { name: codec.name, host, argv, secrets: [] };
  }
  return undefined;
}

/** The first of the command lines whose tool the host has. */
async function firstPresent(
  host: Host,
  commands: Codec["commands"],
): Promise<readonly string[] | undefined> {
  const tools = commands.map(([tool = ""]) => tool);
  const script = 'for tool do command -v "$tool" >/dev/null && echo "$tool"; done; true';
  const present = (await run(host, ["sh", "-c", script, "sh", ...tools])).split("\n");
  return commands.find(([tool = ""]) => present.includes(tool));
}
