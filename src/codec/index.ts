import { age } from "./age.ts";
import type { Codec } from "./codec.ts";
import { gzip } from "./gzip.ts";
import { zstd } from "./zstd.ts";

/** How a dump is compressed; without a level the codec's usual one is taken. */
export type Compression =
  | { readonly name: "zstd" | "gzip"; readonly level: number }
  | { readonly name: "none"; readonly level: undefined };

/** The codecs of an artifact in the order in which they are applied. */
export function codecsFor(
  compression: Compression,
  recipients: readonly string[],
): readonly Codec[] {
  const sealing = recipients.length > 0 ? [age({ recipients, identities: [] })] : [];
  return [...compressors(compression), ...sealing];
}

function compressors(compression: Compression): readonly Codec[] {
  switch (compression.name) {
    case "zstd":
      return [zstd(compression.level)];
    case "gzip":
      return [gzip(compression.level)];
    case "none":
      return [];
  }
}

/** Every codec there is, to decode what any level has encoded. @param identities age identities */
export function decodingCodecs(identities: readonly string[]): readonly Codec[] {
  return [age({ recipients: [], identities }), zstd(1), gzip(1)];
}
