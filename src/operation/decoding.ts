import { finished, PassThrough, pipeline, type Readable } from "node:stream";
import type { Manifest } from "../backup/manifest.ts";
import type { Codec } from "../codec/codec.ts";
import { decodingCodecs } from "../codec/index.ts";
import { type Decoding, placeDecoders } from "../codec/place.ts";
import type { EngineName } from "../engine/engine.ts";
import type { Incoming } from "../engine/restorer.ts";
import { asError, HoldfastError, InputError, IntegrityError } from "../errors.ts";
import type { Host } from "../host/host.ts";
import { engineOf, recognise } from "./recognise.ts";
import { unwrap } from "./unwrap.ts";

/** A dump as it comes out of an artifact. */
type Decoded = Omit<Incoming, "working">;

/** Makes a dump of the bytes of an artifact, which `uri` names in messages. */
export type Opener = (stored: Readable, uri: string) => Promise<Decoded>;

/** Opens what its manifest tells of: each decoder runs where it has been placed. */
export async function openerBy(
  { compression, encryption, engine }: Manifest,
  { host, identities }: { readonly host: Host; readonly identities: readonly string[] },
): Promise<Opener> {
  const names = [encryption?.name, compression.name];
  const known = decodingCodecs(identities);
  const codecs = names.flatMap((name) => known.filter((codec) => codec.name === name));
  const decoding = await placeDecoders(host, codecs);
  return async (stored, uri) => delivered(openKnown(stored, decoding, engine), uri);
}

/** Opens what another tool has made: its bytes tell what it is, so all of it is decoded here. */
export function openerByMagic(engine: EngineName, identities: readonly string[]): Opener {
  const codecs = decodingCodecs(identities);
  return async (stored, uri) => {
    try {
      return delivered(await openUnknown(stored, codecs, engine), uri);
    } catch (thrown) {
      throw explained(asError(thrown), uri);
    }
  };
}

function openKnown(stored: Readable, { local, remote }: Decoding, engine: EngineName): Decoded {
  const stream = local.reduce<Readable>(
    (from, codec) => pipeline(from, codec.decode.stream(), () => {}),
    stored,
  );
  return { stream, decoders: remote, kind: engine === "postgres" ? "custom" : "sqlite" };
}

async function openUnknown(
  stored: Readable,
  codecs: readonly Codec[],
  engine: EngineName,
): Promise<Decoded> {
  const { stream, head } = await unwrap(stored, codecs);
  const { kind, other } = recognise(head);
  if (kind === undefined) throw notRestorable(`it is ${other}`);
  if (engineOf(kind) !== engine) throw notRestorable(`it is a dump of ${engineOf(kind)}`);
  return { stream, decoders: [], kind };
}

function notRestorable(what: string): InputError {
  return new InputError(what, {
    hint:
      "What has no manifest must be a dump in pg_dump's custom format, plain SQL of pg_dump or a SQLite file, whether " +
      "compressed by gzip or zstd and encrypted by age or not, and fit `engine`.",
  });
}

/** What decoders say of their failure does not tell what they decoded: whoever reads the dump is told both. */
function delivered({ stream: dump, ...incoming }: Decoded, uri: string): Decoded {
  const stream = new PassThrough();
  // It may fail before anybody reads it; who reads it then is told all the same.
  stream.on("error", () => {});
  finished(dump, (error) => {
    if (error) stream.destroy(explained(error, uri));
  });
  finished(stream, () => dump.destroy());
  dump.pipe(stream);
  return { ...incoming, stream };
}

/** Only decoders fail with errors that are not ours. */
function explained(error: Error, uri: string): Error {
  if (error instanceof InputError) {
    const { message, hint } = error;
    return new InputError(`${uri} cannot be restored: ${message}`, { hint, cause: error });
  }
  if (error instanceof HoldfastError) return error;
  return new IntegrityError(`${uri} cannot be decoded: ${error.message}`, {
    hint: "It was cut off, damaged or altered. Restore another backup.",
    cause: error,
  });
}
