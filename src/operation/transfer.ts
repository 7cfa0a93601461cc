import { pipeline } from "node:stream";
import type { Codec } from "../codec/codec.ts";
import { openFlow } from "../host/flow.ts";
import type { Facts, Stage } from "../host/stage.ts";
import type { NewlyStored, PutOptions, Storage } from "../storage/storage.ts";
import { destroyOnAbort } from "./abort.ts";
import { Meter } from "./meter.ts";
import { silenceMs, watchForStall } from "./stall.ts";

/** The stages that make an artifact, and the codecs that are left for the runner. */
export interface Making {
  readonly stages: readonly [Stage, ...Stage[]];
  readonly codecs: readonly Codec[];
  readonly stallMs: number;
  /** Shows how many bytes of the artifact there are, until disposed. */
  readonly show: (bytes: () => number) => Disposable;
}

export interface Transferred {
  readonly object: NewlyStored;
  readonly sha256: string;
  /** How much came out of the remote stages. */
  readonly arrivedBytes: number;
  /** What the stages told beside the bytes. */
  readonly facts: Facts;
}

/** Where an artifact goes. */
export interface Destination {
  readonly storage: Storage;
  readonly key: string;
  readonly options: PutOptions;
  /** About how large it will be at most. */
  readonly likelyBytes: number;
}

/**
 * Makes an artifact and stores it under `key`. It is there when every stage has exited 0 and every byte has arrived, and otherwise
 * nothing is: no object, no unfinished upload, no remote process.
 */
export async function transfer(
  { stages, codecs, stallMs, show }: Making,
  to: Destination,
  signal: AbortSignal,
): Promise<Transferred> {
  await using flow = await openFlow(stages, silenceMs(stallMs));
  const artifact = new Meter();
  const links = [flow.stream, ...codecs.map((codec) => codec.encode.stream()), artifact];
  // The failure of any link destroys the last one, and with it the upload that reads it.
  pipeline(links, () => {});
  using _progress = show(() => artifact.bytes);
  using _watch = watchForStall(artifact, stallMs, () => flow.bytes + told(flow.facts));
  using _cancel = destroyOnAbort(artifact, signal);

  const object = await to.storage.put(to.key, artifact, to.options, to.likelyBytes);
  const { bytes: arrivedBytes, facts } = flow;
  return { object, sha256: artifact.sha256(), arrivedBytes, facts };
}

/** How much stages have told beside their bytes: one that counts rows sends none, and yet it lives. */
function told(facts: Facts): number {
  return [...facts.values()].reduce((sum, texts) => sum + texts.length, 0);
}
