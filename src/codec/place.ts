import type { Host } from "../host/host.ts";
import { quote } from "../host/quote.ts";
import { run } from "../host/run.ts";
import type { Stage } from "../host/stage.ts";
import type { Codec, EncodingCommand } from "./codec.ts";
import probe from "./probe.sh.ts";

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
    const command = await firstWorking(host, codec.commands);
    if (command) return { name: codec.name, host, ...command, secrets: [] };
  }
  return undefined;
}

/** The first of the commands that encodes on the host. */
async function firstWorking(
  host: Host,
  commands: Codec["commands"],
): Promise<EncodingCommand | undefined> {
  const trials = commands.map(({ argv, tellsLength }, id) => {
    const told = tellsLength ? "probe bytes 8" : "";
    return `try ${quote([String(id), told, ...argv])}`;
  });
  const working = (await run(host, ["sh", "-c", probe, "probe", trials.join("\n")])).split("\n");
  return commands.find((_, id) => working.includes(String(id)));
}
