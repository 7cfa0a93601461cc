/** What decoders hand on at a time. Node's usual 16 KiB more than double the time that they take. */
export const largePieces = { chunkSize: 256 * 1024 };
