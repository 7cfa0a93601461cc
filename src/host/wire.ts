/** The fields of an SSH structure made of `string`s and `mpint`s (RFC 4251, 5), up to what is not one. */
export function fields(bytes: Buffer): readonly Buffer[] {
  const found: Buffer[] = [];
  let offset = 0;
  while (offset + 4 <= bytes.length) {
    const end = offset + 4 + bytes.readUInt32BE(offset);
    if (end > bytes.length) break;
    found.push(bytes.subarray(offset + 4, end));
    offset = end;
  }
  return found;
}

/** `bytes` as a `string` of RFC 4251, 5: its length, then itself. */
export function field(bytes: Buffer | string): Buffer {
  const content = Buffer.from(bytes);
  return Buffer.concat([uint32(content.length), content]);
}

/** A `uint32` of RFC 4251, 5. */
export function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}
