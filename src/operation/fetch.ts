import { pipeline } from "node:stream";
import type { Incoming } from "../engine/restorer.ts";
import { IntegrityError } from "../errors.ts";
import type { Host } from "../host/host.ts";
import type { Storage, StoredObject } from "../storage/storage.ts";
import { destroyOnAbort } from "./abort.ts";
import { type Artifact, refuseSealed } from "./artifact.ts";
import { openerBy, openerByMagic } from "./decoding.ts";
import { Meter } from "./meter.ts";
import { watchForStall } from "./stall.ts";

export interface Fetching {
  readonly storage: Storage;
  /** Where the dump goes, and where decoders can run. */
  readonly host: Host;
  /** age identities. */
  readonly identities: readonly string[];
  readonly signal: AbortSignal;
  readonly stallMs: number;
  /** Shows how many bytes of the artifact have come, until disposed. */
  readonly show: (bytes: () => number) => Disposable;
}

/** An artifact on its way out of the bucket. Disposing ends it. */
export interface Fetched extends AsyncDisposable {
  /** Its stream fails instead of ending unless all of the object has come and could be decoded. */
  readonly incoming: Incoming;
  /** How many bytes of the object have come so far. */
  readonly bytes: number;
  /**
   * The SHA-256 (hex) of the object as it is stored. May be asked for once, after the end.
   *
   * @throws IntegrityError when the object was not read to its end
   */
  digest(): string;
}

/**
 * Opens an artifact for a restorer. With a manifest its codecs are known, and what can be decoded beside the database is;
 * without one all of it is decoded here, where its bytes tell what it is.
 *
 * @throws InputError when it cannot be decrypted or is not a dump of its engine; IntegrityError when it cannot be
 *   decoded; StorageError; ConnectionError when the host cannot be talked to or nothing moves
 */
export async function fetch(artifact: Artifact, fetching: Fetching): Promise<Fetched> {
  const { storage, identities, signal, stallMs, show } = fetching;
  refuseSealed(artifact, identities);
  const { manifest, engine } = artifact;
  const open = await (manifest ? openerBy(manifest, fetching) : openerByMagic(engine, identities));
  await using opening = new AsyncDisposableStack();
  const { object, body } = await storage.get(artifact.object.key);
  const meter = pipeline(body, new Meter(), () => {});
  opening.defer(() => void meter.destroy());
  opening.use(destroyOnAbort(meter, signal));
  let signs = 0;
  opening.use(watchForStall(meter, stallMs, () => meter.bytes + signs));
  opening.use(show(() => meter.bytes));

  const uri = storage.uri(object.key);
  refuseReplaced(uri, object, artifact);
  const decoded = await open(meter, uri);
  opening.defer(() => void decoded.stream.destroy());
  const incoming = { ...decoded, working: () => void (signs += 1) };
  const fetched = opening.move();
  return {
    incoming,
    get bytes() {
      return meter.bytes;
    },
    digest: () => digestOf(meter, uri, object),
    [Symbol.asyncDispose]: () => fetched.disposeAsync(),
  };
}

function refuseReplaced(uri: string, { bytes }: StoredObject, { object }: Artifact): void {
  if (bytes === object.bytes) return;
  throw new IntegrityError(`${uri} has ${bytes} bytes, and had ${object.bytes} a moment ago`, {
    hint: "Somebody has just replaced it. Find out who, and run it again.",
  });
}

function digestOf(meter: Meter, uri: string, { bytes }: StoredObject): string {
  if (meter.bytes === bytes) return meter.sha256();
  throw new IntegrityError(`only ${meter.bytes} of the ${bytes} bytes of ${uri} were read`, {
    hint: "What was made of them is not the whole database.",
  });
}
