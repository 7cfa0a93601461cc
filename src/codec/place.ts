import { Readable } from "node:stream";
import { buffer } from "node:stream/consumers";
import { askFor } from "../host/ask.ts";
import type { Host } from "../host/host.ts";
import { quote } from "../host/quote.ts";
import type { Stage } from "../host/stage.ts";
import type { Codec, CodecCommand } from "./codec.ts";
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
  for (let host = from; host; host = host.outer) {
    const command = await firstEncoding(host, codec);
    if (command) return { name: codec.name, host, ...command, secrets: [] };
  }
  return undefined;
}

/** Where each decoder of an artifact runs: the first ones on the runner, the rest as command lines beside the database. */
export interface Decoding {
  readonly local: readonly Codec[];
  readonly remote: readonly (readonly string[])[];
}

/**
 * Leaves to the host what it has the tools for. Once one decoder is there all later ones must be, since nothing comes
 * back.
 *
 * @param codecs in the order of decoding
 */
export async function placeDecoders(host: Host, codecs: readonly Codec[]): Promise<Decoding> {
  const found = await Promise.all(codecs.map((codec) => firstDecoding(host, codec)));
  const local = found.lastIndexOf(undefined) + 1;
  const remote = found.slice(local).filter((command) => command !== undefined);
  return { local: codecs.slice(0, local), remote: remote.map(({ argv }) => argv) };
}

function firstEncoding(host: Host, { encode }: Codec): Promise<CodecCommand | undefined> {
  return firstWorking(host, encode.commands, ({ argv, tellsLength }, id) => {
    const told = tellsLength ? "probe bytes 8" : "";
    return `encodes ${quote([id, told, ...argv])}`;
  });
}

async function firstDecoding(host: Host, codec: Codec): Promise<CodecCommand | undefined> {
  const { commands } = codec.decode;
  if (commands.length === 0) return undefined;
  const encoded = escapes(await buffer(Readable.from(["12345678"]).pipe(codec.encode.stream())));
  return firstWorking(host, commands, ({ argv }, id) => `decodes ${quote([id, encoded, ...argv])}`);
}

/** Bytes as octal escapes of printf's format (POSIX.1-2017, printf, "Extended Description"). */
function escapes(bytes: Buffer): string {
  return [...bytes].map((byte) => `\\${byte.toString(8).padStart(3, "0")}`).join("");
}

/** The first of the commands that passes its trial on the host. */
async function firstWorking(
  host: Host,
  commands: readonly CodecCommand[],
  trial: (command: CodecCommand, id: string) => string,
): Promise<CodecCommand | undefined> {
  if (commands.length === 0) return undefined;
  const trials = commands.map((command, id) => trial(command, String(id))).join("\n");
  const argv = ["sh", "-c", probe, "probe", trials];
  const stage = { name: "the trial of codecs", host, argv, secrets: [], tellsLength: false };
  const working = (await askFor(stage)).split("\n");
  return commands.find((_, id) => working.includes(String(id)));
}
