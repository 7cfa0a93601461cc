import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { pipeline, Readable } from "node:stream";
import { buffer } from "node:stream/consumers";
import { before, describe, test } from "node:test";
import { gzipSync, zstdCompressSync } from "node:zlib";
import { generateIdentity, identityToRecipient } from "age-encryption";
import { age } from "../../src/codec/age.ts";
import type { Codec, Direction } from "../../src/codec/codec.ts";
import { gzip } from "../../src/codec/gzip.ts";
import { zstd } from "../../src/codec/zstd.ts";
import { InputError } from "../../src/errors.ts";

const identity = await generateIdentity();
const recipient = await identityToRecipient(identity);
const codecs = [
  zstd(3),
  gzip(6),
  age({ recipients: [recipient], identities: [await generateIdentity(), identity] }),
];
/** Both what compresses and what does not, so that compressed blocks are of every type. */
const dump = Buffer.concat([
  randomBytes(150_000),
  Buffer.alloc(400_000, "INSERT INTO t "),
  Buffer.alloc(300_000),
]);

/** What a direction makes of bytes that come in chunks of `chunkBytes`. */
async function through(
  direction: Direction,
  bytes: Buffer,
  chunkBytes = bytes.length + 1,
): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for (let at = 0; at < bytes.length; at += chunkBytes)
    chunks.push(bytes.subarray(at, at + chunkBytes));
  const source = Readable.from(chunks, { objectMode: false });
  return buffer(pipeline(source, direction.stream(), () => {}));
}

/** What a command line of this machine makes of bytes. */
function piped([file = "", ...args]: readonly string[], input: Buffer): Buffer {
  const { status, stdout } = spawnSync(file, args, { input, maxBuffer: 1024 ** 3 });
  assert.equal(status, 0, file);
  return stdout;
}

for (const codec of codecs) {
  describe(codec.name, () => {
    let encoded: Buffer;
    before(async () => {
      encoded = await through(codec.encode, dump);
    });

    test("decodes what it encodes, however it is cut into chunks", async () => {
      for (const chunkBytes of [997, 65_536, dump.length])
        assert.ok(dump.equals(await through(codec.decode, encoded, chunkBytes)), `${chunkBytes}`);
    });

    test("begins with its magic bytes, also when there is nothing to encode", async () => {
      const nothing = await through(codec.encode, Buffer.alloc(0));
      assert.ok(nothing.subarray(0, codec.magic.length).equals(codec.magic));
      assert.equal((await through(codec.decode, nothing)).length, 0);
    });

    test("never ends cleanly on what is cut off", async () => {
      const middle = Math.floor(encoded.length / 2);
      for (const bytes of [0, 1, 5, 30, 300, middle, encoded.length - 5, encoded.length - 1])
        await assert.rejects(through(codec.decode, encoded.subarray(0, bytes)), `${bytes} bytes`);
    });

    test("fails on what it has not written", async () => {
      await assert.rejects(through(codec.decode, dump));
      await assert.rejects(through(codec.decode, Buffer.concat([encoded, Buffer.from("garbage")])));
    });

    test("can be left half-way", async () => {
      const plain = pipeline(Readable.from([encoded]), codec.decode.stream(), () => {});
      for await (const chunk of plain) {
        assert.ok(Buffer.from(chunk as Uint8Array).length > 0);
        break;
      }
      assert.ok(plain.destroyed);
    });
  });
}

describe("zstd", () => {
  const decode = (bytes: Buffer, chunkBytes?: number) => through(zstd(3).decode, bytes, chunkBytes);

  test("decodes all frames and skips those that hold no data", async () => {
    const skippable = Buffer.from("5a2a4d1805000000aabbccddee", "hex");
    const parts = ["one", "", "two", "three"].map((part) => Buffer.from(part));
    const frames = parts.flatMap((part) => [zstdCompressSync(part), skippable]);
    const small = Buffer.concat(frames);
    for (const chunkBytes of [1, 2, 3, 5, small.length])
      assert.equal((await decode(small, chunkBytes)).toString(), "onetwothree", `${chunkBytes}`);
    const large = Buffer.concat([zstdCompressSync(dump), zstdCompressSync(dump), small]);
    const whole = Buffer.concat([dump, dump, Buffer.from("onetwothree")]);
    for (const chunkBytes of [4_096, large.length])
      assert.ok(whole.equals(await decode(large, chunkBytes)), `${chunkBytes}`);
  });

  test("follows frames with and without a checksum, a content size and a window", async () => {
    const variants = [["--no-check"], ["--check"], ["--no-content-size"], ["--single-thread"]];
    const frames = variants.flatMap((options) =>
      [dump, dump.subarray(0, 200), dump.subarray(0, 40_000), Buffer.alloc(0)].map((part) => ({
        part,
        frame: piped(["zstd", "-qc", ...options, `--stream-size=${part.length}`], part),
      })),
    );
    const stream = Buffer.concat(frames.map(({ frame }) => frame));
    const whole = Buffer.concat(frames.map(({ part }) => part));
    for (const chunkBytes of [997, stream.length])
      assert.ok(whole.equals(await decode(stream, chunkBytes)), `${chunkBytes}`);
  });

  test("fails when the second frame is cut off or damaged", async () => {
    const frame = zstdCompressSync(dump);
    await assert.rejects(decode(Buffer.concat([frame, frame.subarray(0, -1)])));
    await assert.rejects(decode(Buffer.concat([frame, frame.subarray(0, 3)])));
    await assert.rejects(decode(Buffer.concat([frame, Buffer.from("????")])));
  });

  test("decodes level 19 with the largest window that any level up to it has", async () => {
    const encoded = piped(["zstd", "-qc", "-19", "--long=27"], dump);
    // RFC 8878, 3.1.1.1.2: the exponent above 10 stands in the upper five bits.
    assert.equal(encoded.readUInt8(5) >> 3, 27 - 10);
    assert.ok(dump.equals(await decode(encoded)));
  });
});

test("gzip decodes members one after another, as cat makes them", async () => {
  const stream = Buffer.concat([gzipSync("one"), gzipSync(dump), gzipSync(""), gzipSync("two")]);
  const whole = Buffer.concat([Buffer.from("one"), dump, Buffer.from("two")]);
  for (const chunkBytes of [997, stream.length])
    assert.ok(whole.equals(await through(gzip(6).decode, stream, chunkBytes)), `${chunkBytes}`);
});

describe("age", () => {
  const sealed = (codec: Codec) => through(codec.encode, dump);

  test("says that none of the identities fits", async () => {
    const theirs = await sealed(age({ recipients: [recipient], identities: [] }));
    for (const identities of [[], [await generateIdentity()]]) {
      const codec = age({ recipients: [], identities });
      await assert.rejects(through(codec.decode, theirs), InputError);
    }
  });

  test("fails on a single wrong bit, wherever it is", async () => {
    const codec = age({ recipients: [recipient], identities: [identity] });
    const encoded = await sealed(codec);
    for (const at of [25, 180, 230, Math.floor(encoded.length / 2), encoded.length - 1]) {
      const altered = Buffer.from(encoded);
      altered.writeUInt8(altered.readUInt8(at) ^ 1, at);
      await assert.rejects(through(codec.decode, altered), `byte ${at}`);
    }
  });

  test("refuses to encrypt to nobody", async () => {
    await assert.rejects(sealed(age({ recipients: [], identities: [identity] })), TypeError);
  });
});
