import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { rmSync } from "node:fs";
import { pipeline, Readable, Writable } from "node:stream";
import { pipeline as flowing } from "node:stream/promises";
import { buffer } from "node:stream/consumers";
import { setTimeout } from "node:timers/promises";
import { after, before, describe, test } from "node:test";
import { gzipSync, zstdCompressSync } from "node:zlib";
import { generateIdentity, identityToRecipient } from "age-encryption";
import type { Manifest } from "../../src/backup/manifest.ts";
import { type Compression, codecsFor } from "../../src/codec/index.ts";
import { CancelledError, ConnectionError, InputError, IntegrityError } from "../../src/errors.ts";
import type { Host } from "../../src/host/host.ts";
import type { Artifact } from "../../src/operation/artifact.ts";
import { type Fetched, fetch } from "../../src/operation/fetch.ts";
import type { Storage } from "../../src/storage/storage.ts";
import { aManifest } from "../builders.ts";
import { here } from "../engine/sqlite/places.ts";
import { type FaultAction, type S3Server, startS3 } from "../servers/s3/index.ts";
import { openS3 } from "../storage/store.ts";
import {
  piped,
  type PostgresDumps,
  postgresDumps,
  type SqliteDumps,
  sqliteDumps,
} from "./dumps.ts";
import { pathWithout } from "./path-without.ts";

const identity = await generateIdentity();
const recipient = await identityToRecipient(identity);
const zstd: Compression = { name: "zstd", level: 3 };
const gzip: Compression = { name: "gzip", level: 6 };
const none: Compression = { name: "none", level: undefined };

/** A place with all tools, and one that can decode nothing. */
const equipped = here();
const path = pathWithout(["zstd", "gzip", "age"]);
after(() => rmSync(path, { recursive: true }));
const bare = here({ env: { PATH: path } });

let postgres: PostgresDumps;
let sqlite: SqliteDumps;
let server: S3Server;
let storage: Storage & AsyncDisposable;
before(async () => {
  sqlite = sqliteDumps();
  server = await startS3();
  storage = openS3(server);
  postgres = await postgresDumps();
});
after(async () => {
  await storage[Symbol.asyncDispose]();
  await server.stop();
});

let stored = 0;
/** Stores bytes as another tool would. */
async function put(body: Buffer, engine: Artifact["engine"] = "postgres"): Promise<Artifact> {
  const options = { contentType: "application/octet-stream", metadata: {}, replace: false };
  const object = await storage.put(`any/${++stored}`, body, options);
  return { object, manifest: undefined, engine };
}

interface Kind {
  readonly compression?: Compression;
  readonly recipients?: readonly string[];
  readonly engine?: Artifact["engine"];
}

/** Encodes a dump as a backup does and stores it, with `spoil` between it and its manifest. */
async function backUp(
  dump: Buffer,
  { compression = zstd, recipients = [], engine = "postgres" }: Kind = {},
  spoil = (artifact: Buffer): Buffer => artifact,
): Promise<Artifact & { readonly manifest: Manifest }> {
  const artifact = await encoded(dump, compression, recipients);
  const { object } = await put(spoil(artifact));
  const manifest = aManifest({
    key: object.key,
    engine,
    bytes: artifact.length,
    sha256: digestOf(artifact),
    compression: { name: compression.name, level: compression.level ?? null },
    encryption: recipients.length > 0 ? { name: "age", recipients: [...recipients] } : null,
  });
  return { object, manifest, engine };
}

function encoded(
  dump: Buffer,
  compression: Compression,
  recipients: readonly string[],
): Promise<Buffer> {
  const codecs = codecsFor(compression, recipients);
  const source: Readable = Readable.from([dump], { objectMode: false });
  return buffer(
    codecs.reduce<Readable>(
      (from, { encode }) => pipeline(from, encode.stream(), () => {}),
      source,
    ),
  );
}

function digestOf(bytes: Buffer): string {
  return createHash("sha256").update(bytes).digest("hex");
}

interface Asked {
  readonly host?: Host;
  readonly identities?: readonly string[];
  readonly signal?: AbortSignal;
  readonly stallMs?: number;
  readonly show?: (bytes: () => number) => Disposable;
}

function open(artifact: Artifact, asked: Asked = {}): Promise<Fetched> {
  return fetch(artifact, {
    storage,
    host: equipped,
    identities: [],
    signal: new AbortController().signal,
    stallMs: 30_000,
    show: () => ({ [Symbol.dispose]: () => {} }),
    ...asked,
  });
}

interface Taken {
  readonly dump: Buffer;
  readonly digest: string;
  readonly kind: string;
  readonly decoders: readonly string[];
}

/** Reads an artifact to its end and decodes what is left to be, as a restorer does. */
async function take(artifact: Artifact, asked: Asked = {}): Promise<Taken> {
  await using fetched = await open(artifact, asked);
  const { stream, decoders, kind } = fetched.incoming;
  const arrived = await buffer(stream);
  assert.equal(fetched.bytes, artifact.object.bytes);
  const dump = decoders.reduce<Buffer>((bytes, argv) => piped(argv, bytes), arrived);
  return { dump, digest: fetched.digest(), kind, decoders: decoders.map(([tool = ""]) => tool) };
}

describe("a backup with a manifest", () => {
  const cases = [
    { compression: zstd, tools: ["zstd"] },
    { compression: gzip, tools: ["gzip"] },
    { compression: none, tools: [] },
  ];
  for (const { compression, tools } of cases) {
    for (const recipients of [[], [recipient]]) {
      const sealed = recipients.length > 0 ? " and encrypted" : "";
      test(`compressed by ${compression.name}${sealed} is decoded where there are tools`, async () => {
        const artifact = await backUp(postgres.uncompressed, { compression, recipients });
        const identities = recipients.length > 0 ? [identity] : [];
        const taken = await take(artifact, { identities });
        assert.ok(taken.dump.equals(postgres.uncompressed));
        assert.deepEqual([taken.kind, taken.decoders], ["custom", tools]);
        assert.equal(taken.digest, artifact.manifest.sha256);
        const here = await take(artifact, { identities, host: bare });
        assert.deepEqual({ ...here, decoders: tools }, taken);
        assert.deepEqual(here.decoders, []);
      });
    }
  }

  test("is of the kind that its engine dumps", async () => {
    const taken = await take(await backUp(sqlite.file, { engine: "sqlite" }));
    assert.equal(taken.kind, "sqlite");
    assert.ok(taken.dump.equals(sqlite.file));
  });

  test("is refused before it is asked for when nothing can decrypt it", async () => {
    const artifact = await backUp(postgres.custom, { recipients: [recipient] });
    const requests = server.requests.length;
    await assert.rejects(open(artifact), {
      name: "InputError",
      message: /decrypt-with is not set/,
    });
    assert.equal(server.requests.length, requests);
  });
});

describe("without a manifest", () => {
  const wrappings: Readonly<Record<string, (dump: Buffer) => Buffer | Promise<Buffer>>> = {
    "as it is": (dump) => dump,
    "in gzip -9": (dump) => piped(["gzip", "-9"], dump),
    "in zstd --long": (dump) => piped(["zstd", "-qc", "--long=27"], dump),
    "in zstd of several frames": (dump) =>
      Buffer.concat([dump.subarray(0, 3), dump.subarray(3)].map((part) => zstdCompressSync(part))),
    "in gzip twice": (dump) => gzipSync(gzipSync(dump)),
    "in age over zstd": (dump) => encoded(dump, zstd, [recipient]),
  };
  for (const [name, wrap] of Object.entries(wrappings)) {
    test(`a dump ${name} is known by its bytes and decoded here`, async () => {
      const dumps = [
        { engine: "postgres", kind: "custom", dump: postgres.custom },
        { engine: "postgres", kind: "custom", dump: postgres.uncompressed },
        { engine: "postgres", kind: "sql", dump: postgres.plain },
        { engine: "postgres", kind: "sql", dump: postgres.withoutComments },
        { engine: "sqlite", kind: "sqlite", dump: sqlite.file },
      ] as const;
      for (const { engine, kind, dump } of dumps) {
        const artifact = await wrap(dump);
        const taken = await take(await put(artifact, engine), { identities: [identity] });
        assert.ok(taken.dump.equals(dump), kind);
        const wanted = { kind, decoders: [], digest: digestOf(artifact) };
        assert.deepEqual({ ...taken, dump: undefined }, { ...wanted, dump: undefined });
      }
    });
  }

  test("a dump that is shorter than what tells dumps apart is whole", async () => {
    const dump = Buffer.from("--\n-- PostgreSQL database dump\n--\n");
    assert.ok((await take(await put(gzipSync(dump)))).dump.equals(dump));
  });

  async function assertRefused(body: Buffer, message: RegExp, engine: Artifact["engine"]) {
    const artifact = await put(body, engine);
    const refused = { name: "InputError", message };
    await assert.rejects(take(artifact, { identities: [identity] }), refused);
  }

  test("what no restorer can take is refused with the reason", async () => {
    const refused = {
      "what pg_dumpall writes": [postgres.cluster, postgres.clusterWithoutComments],
      "tar format": [postgres.tar],
      "with .dump": [sqlite.sql],
      "of MySQL": [Buffer.from("-- MySQL dump 10.13\n")],
      empty: [Buffer.alloc(0)],
      "neither a dump": [Buffer.from("{}"), Buffer.from("PGDM"), Buffer.from("DROP DATABASE app;")],
    };
    for (const [reason, dumps] of Object.entries(refused)) {
      for (const dump of dumps) {
        for (const body of [dump, gzipSync(dump)])
          await assertRefused(
            body,
            new RegExp(`s3://.* cannot be restored: .*${reason}`),
            "postgres",
          );
      }
    }
  });

  test("a dump of the other engine is refused", async () => {
    await assertRefused(gzipSync(sqlite.file), /it is a dump of sqlite/, "postgres");
    await assertRefused(gzipSync(postgres.custom), /it is a dump of postgres/, "sqlite");
  });

  test("a dump in more layers than anybody wraps one in is refused", async () => {
    const wrapped = [1, 2, 3, 4, 5].reduce<Buffer>((bytes) => gzipSync(bytes), postgres.custom);
    await assertRefused(wrapped, /neither a dump/, "postgres");
  });

  test("what nothing here can decrypt is refused", async () => {
    const artifact = await put(await encoded(postgres.custom, zstd, [recipient]));
    for (const identities of [[], [await generateIdentity()]]) {
      const refused = { name: "InputError", message: /s3:.*no identity in decrypt-with/ };
      await assert.rejects(take(artifact, { identities }), refused);
    }
  });
});

test("a backup that is encrypted to somebody else fails when it is read", async () => {
  const artifact = await backUp(postgres.custom, { recipients: [recipient] });
  const identities = [await generateIdentity()];
  await assert.rejects(take(artifact, { identities }), (error: unknown) => {
    assert.ok(error instanceof InputError);
    assert.match(error.message, /no identity in decrypt-with/);
    assert.match(error.hint, /decrypt-with/);
    return true;
  });
});

describe("what is damaged", () => {
  const kinds: readonly Required<Kind>[] = [zstd, gzip].flatMap((compression) =>
    [[], [recipient]].map((recipients) => ({ compression, recipients, engine: "postgres" })),
  );
  /** With and without a manifest, all of it decoded here, which is where failures are ours to tell. */
  async function assertFails(kind: Kind, spoil: (artifact: Buffer) => Buffer): Promise<void> {
    const identities = [identity];
    const artifact = await backUp(postgres.uncompressed, kind, spoil);
    for (const manifest of [artifact.manifest, undefined]) {
      const taking = take({ ...artifact, manifest }, { identities, host: bare });
      await assert.rejects(taking, { name: "IntegrityError", message: /s3:.*cannot be decoded/ });
    }
  }

  for (const kind of kinds) {
    const name = [...codecsFor(kind.compression, kind.recipients)].map((codec) => codec.name);
    test(`never ends cleanly when it is cut off, in ${name.join(" and ")}`, async () => {
      const middle = (artifact: Buffer) => artifact.subarray(0, artifact.length / 2);
      for (const spoil of [middle, (artifact: Buffer) => artifact.subarray(0, -1)])
        await assertFails(kind, spoil);
      const short = await backUp(postgres.custom, kind, (artifact) => artifact.subarray(0, 24));
      const taking = take(short, { identities: [identity], host: bare });
      await assert.rejects(taking, IntegrityError);
    });

    test(`fails or has another digest with one wrong bit, in ${name.join(" and ")}`, async () => {
      for (const share of [0, 0.001, 0.5, 1]) {
        const artifact = await backUp(postgres.custom, kind, (bytes) => altered(bytes, share));
        const known = (error: unknown) => {
          assert.ok(error instanceof IntegrityError || error instanceof InputError, String(error));
          return undefined;
        };
        for (const host of [equipped, bare]) {
          await using fetched = await open(artifact, { identities: [identity], host });
          const arrived = await buffer(fetched.incoming.stream).catch(known);
          if (arrived) assert.notEqual(fetched.digest(), artifact.manifest.sha256);
        }
      }
    });
  }

  test("is found by the digest alone when nothing is compressed", async () => {
    for (const share of [0, 0.5, 1]) {
      const spoil = (bytes: Buffer) => altered(bytes, share);
      const artifact = await backUp(postgres.custom, { compression: none }, spoil);
      const { digest } = await take(artifact);
      assert.notEqual(digest, artifact.manifest.sha256);
    }
  });
});

/** A copy with one bit changed, at a share of its length. */
function altered(bytes: Buffer, share: number): Buffer {
  const copy = Buffer.from(bytes);
  const at = Math.round((copy.length - 1) * share);
  copy.writeUInt8(copy.readUInt8(at) ^ 4, at);
  return copy;
}

describe("on the way from the store", () => {
  /** Has the next request for an object fail. */
  function strike(action: FaultAction): void {
    server.faults.push({
      when: ({ operation }) => operation === "GetObject",
      times: 1,
      do: action,
    });
  }

  for (const [name, artifact] of Object.entries({
    "with a manifest": () => backUp(postgres.uncompressed, { compression: none }),
    "with a manifest, decoded here": () => backUp(postgres.uncompressed, { compression: gzip }),
    "without a manifest": () => put(gzipSync(postgres.uncompressed)),
  })) {
    test(`a body that is cut off fails, ${name}`, async () => {
      const host = name.includes("here") ? bare : equipped;
      const found = await artifact();
      strike("truncate-body");
      await assert.rejects(take(found, { host }), /StorageError|IntegrityError/);
      assert.ok((await take(found, { host })).dump.equals(postgres.uncompressed));
    });

    test(`a body that stands still fails, ${name}`, async () => {
      const found = await artifact();
      strike("stall-body");
      await assert.rejects(take(found, { stallMs: 300 }), ConnectionError);
    });

    test(`a wrong bit shows in the digest or fails, ${name}`, async () => {
      const found = await artifact();
      strike("corrupt");
      const taken = await take(found, { host: bare }).catch(() => undefined);
      const { digest } = await take(found);
      assert.notEqual(taken?.digest, digest);
    });
  }

  test("an object that was replaced meanwhile is not taken", async () => {
    const artifact = await put(postgres.custom);
    const options = { contentType: "application/octet-stream", metadata: {}, replace: true };
    await storage.put(artifact.object.key, postgres.uncompressed, options);
    await assert.rejects(take(artifact), { name: "IntegrityError", message: /a moment ago/ });
  });

  test("a cancelled run ends it with the reason", async () => {
    const reason = new CancelledError("the run was cancelled", { hint: "Run it again." });
    for (const artifact of [await backUp(postgres.custom), await put(postgres.custom)]) {
      const cancelled = AbortSignal.abort(reason);
      await assert.rejects(take(artifact, { signal: cancelled }), reason);
      const controller = new AbortController();
      await using fetched = await open(artifact, { signal: controller.signal });
      controller.abort(reason);
      await assert.rejects(buffer(fetched.incoming.stream), reason);
    }
  });
});

describe("whoever reads it", () => {
  test("sees how much has come", async () => {
    const artifact = await backUp(postgres.custom);
    let bytes = () => -1;
    let disposed = 0;
    const show = (counter: () => number) => {
      bytes = counter;
      return { [Symbol.dispose]: () => void disposed++ };
    };
    await take(artifact, { show });
    assert.deepEqual([bytes(), disposed], [artifact.object.bytes, 1]);
  });

  test("is not taken for the artifact when it fails itself", async () => {
    for (const artifact of [await backUp(postgres.custom), await put(gzipSync(postgres.custom))]) {
      await using fetched = await open(artifact, { host: bare });
      const failure = new Error("the disk is full");
      const sink = new Writable({ write: (_chunk, _encoding, done) => done(failure) });
      await assert.rejects(flowing(fetched.incoming.stream, sink), failure);
    }
  });

  test("learns of a failure that came before it began to read", async () => {
    const dump = Buffer.from("small enough for all buffers");
    const artifact = await backUp(dump, {}, (bytes) => bytes.subarray(0, -9));
    await using fetched = await open(artifact, { host: bare });
    const { stream } = fetched.incoming;
    // No listener for errors: this must not end the process either.
    while (!stream.closed) await setTimeout(5);
    await assert.rejects(buffer(stream), IntegrityError);
  });

  test("gets no digest of what was not read to its end", async () => {
    await using fetched = await open(await backUp(postgres.uncompressed, { compression: none }));
    await once(fetched.incoming.stream, "readable");
    assert.throws(() => fetched.digest(), IntegrityError);
  });

  test("can leave it at any moment", async () => {
    for (const artifact of [await backUp(postgres.uncompressed), await put(postgres.plain)]) {
      const fetched = await open(artifact);
      await once(fetched.incoming.stream, "readable");
      await fetched[Symbol.asyncDispose]();
      assert.ok(fetched.incoming.stream.destroyed);
    }
  });
});
