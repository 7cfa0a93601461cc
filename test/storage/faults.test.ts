import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { afterEach, beforeEach, describe, test } from "node:test";
import { Readable } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import { StorageError } from "../../src/errors.ts";
import type { Limits } from "../../src/storage/options.ts";
import type { PutOptions, Storage } from "../../src/storage/storage.ts";
import { failingStream, streamOf } from "../contract/storage.ts";
import {
  type Fault,
  type FaultAction,
  type Operation,
  type S3Server,
  startS3,
} from "../servers/s3/index.ts";
import { startSlowLink } from "./slow-link.ts";
import { openS3 } from "./store.ts";
import { startTlsFront } from "./tls-front.ts";

const MiB = 1024 ** 2;
const backup: PutOptions = { contentType: "text/plain", metadata: {}, replace: false };
const pointer: PutOptions = { ...backup, replace: true };
const content = randomBytes(20 * MiB);

let server: S3Server;
beforeEach(async () => {
  server = await startS3();
});
afterEach(() => server.stop());

function fault(operation: Operation, action: FaultAction, times = 1): Fault {
  return { when: (request) => request.operation === operation, times, do: action };
}

function put(storage: Storage = openS3(server), options = backup): Promise<unknown> {
  return storage.put("a", streamOf(content), options);
}

/** A storage that tries three times rather than eight. */
function impatient(limits: Partial<Limits> = {}): Storage {
  return openS3(server, {}, { maxAttempts: 3, ...limits });
}

async function assertStored(): Promise<void> {
  assert.ok(content.equals(await server.read("backups", "a")));
  assert.deepEqual(server.uploads("backups"), []);
}

function assertNothingLeft(): void {
  assert.deepEqual([server.objects("backups"), server.uploads("backups")], [[], []]);
}

function asked(operation: Operation): number {
  return server.requests.filter((request) => request.operation === operation).length;
}

describe("a request that fails once is repeated", () => {
  const once: readonly (readonly [Operation, FaultAction])[] = [
    ["CreateMultipartUpload", "503-slowdown"],
    ["UploadPart", "500"],
    ["UploadPart", "503-slowdown"],
    ["UploadPart", "reset"],
    ["UploadPart", { resetAfterBytes: 3 * MiB }],
    ["UploadPart", "lose-answer"],
    ["UploadPart", { delayMs: 300 }],
    ["CompleteMultipartUpload", "500"],
    ["CompleteMultipartUpload", "error-in-200"],
  ];
  for (const [operation, action] of once) {
    test(`${operation}: ${JSON.stringify(action)}`, async () => {
      server.faults.push(fault(operation, action));
      await put();
      await assertStored();
    });
  }
});

describe("what fails always leaves neither object nor upload", () => {
  const always: readonly (readonly [Operation, FaultAction, RegExp])[] = [
    ["CreateMultipartUpload", { status: 403, code: "AccessDenied" }, /AccessDenied/],
    ["UploadPart", "500", /UploadPart s3:\/\/backups\/a failed: InternalError/],
    [
      "UploadPart",
      { resetAfterBytes: MiB },
      /UploadPart s3:\/\/backups\/a failed: (ECONNRESET|EPIPE)/,
    ],
    ["CompleteMultipartUpload", "500", /CompleteMultipartUpload .* InternalError/],
    ["CompleteMultipartUpload", "error-in-200", /CompleteMultipartUpload .* InternalError/],
  ];
  for (const [operation, action, message] of always) {
    test(`${operation}: ${JSON.stringify(action)}`, async () => {
      server.faults.push(fault(operation, action, Number.POSITIVE_INFINITY));
      await assert.rejects(put(impatient()), (error) => {
        assert.ok(error instanceof StorageError);
        assert.match(error.message, message);
        return true;
      });
      assertNothingLeft();
    });
  }

  for (const operation of ["UploadPart", "CompleteMultipartUpload"] as const) {
    test(`a store that accepts ${operation} and says nothing`, async () => {
      server.faults.push(fault(operation, "hang", Number.POSITIVE_INFINITY));
      await assert.rejects(put(impatient({ silenceMs: 200 })), /failed: TimeoutError/);
      assertNothingLeft();
    });
  }

  test("a part, while the body stalls: the failure is noticed at once", async () => {
    server.faults.push(fault("UploadPart", { status: 403, code: "AccessDenied" }));
    const stalled = Readable.from(
      (async function* () {
        yield* streamOf(content.subarray(0, 9 * MiB));
        await new Promise(() => {});
      })(),
      { objectMode: false },
    );
    await assert.rejects(openS3(server).put("a", stalled, backup), /AccessDenied/);
    assert.ok(stalled.destroyed);
    assertNothingLeft();
  });
});

describe("a commit whose answer is lost", () => {
  for (const [operation, bytes] of [
    ["CompleteMultipartUpload", 9 * MiB],
    ["PutObject", 9],
  ] as const) {
    test(`${operation} counts as done when it was`, async () => {
      server.faults.push(fault(operation, "lose-answer"));
      const stored = await openS3(server).put("a", streamOf(content.subarray(0, bytes)), backup);
      assert.deepEqual([stored.key, stored.bytes], ["a", bytes]);
      assert.equal(asked("HeadObject"), 1);
      assert.deepEqual(server.uploads("backups"), []);
    });

    test(`${operation} does not take somebody else's object for its own`, async () => {
      const storage = impatient();
      await storage.put("a", Buffer.from("theirs"), pointer);
      server.faults.push(fault(operation, "500", Number.POSITIVE_INFINITY));
      await assert.rejects(storage.put("a", streamOf(content.subarray(0, bytes)), backup));
      assert.equal((await server.read("backups", "a")).toString(), "theirs");
      assert.deepEqual(server.uploads("backups"), []);
    });
  }

  test("is refused when somebody took the key during the upload", async () => {
    const storage = openS3(server);
    server.faults.push(fault("CompleteMultipartUpload", { delayMs: 300 }));
    const refused = assert.rejects(put(storage), /PreconditionFailed/);
    await storage.put("a", Buffer.from("theirs"), backup);
    await refused;
    assert.equal((await server.read("backups", "a")).toString(), "theirs");
    assert.deepEqual(server.uploads("backups"), []);
  });
});

describe("a cancelled run", () => {
  const reason = new Error("cancelled");

  for (const operation of [
    "CreateMultipartUpload",
    "UploadPart",
    "CompleteMultipartUpload",
  ] as const) {
    test(`leaves nothing while ${operation} is under way`, async () => {
      const cancel = new AbortController();
      server.faults.push({
        when: (request) => {
          if (request.operation !== operation) return false;
          cancel.abort(reason);
          return true;
        },
        times: 1,
        do: { delayMs: 100 },
      });
      const storage = openS3(server, { signal: cancel.signal });
      await assert.rejects(put(storage), (error) => error === reason);
      assertNothingLeft();
    });
  }

  test("leaves nothing of an object that was stored in that moment", async () => {
    const cancel = new AbortController();
    const storage = openS3(server, { signal: cancel.signal });
    server.faults.push(fault("PutObject", { delayMs: 300 }));
    setTimeout(() => cancel.abort(reason), 100);
    await assert.rejects(storage.put("a", Buffer.from("x"), backup), (error) => error === reason);
    assertNothingLeft();
  });

  test("keeps a pointer that was replaced in that moment: what it replaced is gone", async () => {
    const cancel = new AbortController();
    const storage = openS3(server, { signal: cancel.signal });
    server.faults.push(fault("PutObject", { delayMs: 300 }));
    setTimeout(() => cancel.abort(reason), 100);
    await storage.put("a", Buffer.from("x"), pointer);
    assert.equal((await server.read("backups", "a")).toString(), "x");
  });

  test("does not wait for a store that hangs", async () => {
    const cancel = new AbortController();
    server.faults.push(fault("UploadPart", "hang", Number.POSITIVE_INFINITY));
    const storage = openS3(server, { signal: cancel.signal });
    setTimeout(() => cancel.abort(reason), 200);
    const deadline = sleep(7_000, "late", { ref: false });
    const ended = put(storage).catch((error: unknown) => error);
    assert.equal(await Promise.race([ended, deadline]), reason);
    assertNothingLeft();
  });
});

describe("an upload that cannot be removed", () => {
  test("is named in the error, with the command that removes it", async () => {
    server.faults.push(
      fault(
        "AbortMultipartUpload",
        { status: 403, code: "AccessDenied" },
        Number.POSITIVE_INFINITY,
      ),
    );
    const broken = new Error("the dump broke");
    const body = failingStream(content, broken);
    await assert.rejects(openS3(server).put("it's", body, backup), (error) => {
      assert.ok(error instanceof StorageError && error.cause instanceof AggregateError);
      const [upload] = server.uploads("backups");
      assert.match(
        error.message,
        new RegExp(`the dump broke; .*${upload?.uploadId}.*AccessDenied`),
      );
      assert.ok(error.hint.includes(`abort-multipart-upload --bucket backups --key 'it'\\''s'`));
      assert.equal(error.cause.errors[0], broken);
      return true;
    });
  });

  test("is asked for again when it survived the first try", async () => {
    server.faults.push(fault("AbortMultipartUpload", { status: 204, code: "NotReally" }));
    const broken = new Error("the dump broke");
    const put = openS3(server).put("a", failingStream(content, broken), backup);
    await assert.rejects(put, (error) => error === broken);
    assert.equal(asked("AbortMultipartUpload"), 2);
    assertNothingLeft();
  });
});

test("a part that arrives slowly is not cut off as long as bytes move, plain or under TLS", async () => {
  // Long enough that a timer which misses the progress strikes, and far longer than what the kernel buffers.
  const limits = { partBytes: () => 48 * MiB, silenceMs: 2_500 };
  const putSlowly = async (scheme: string, port: number): Promise<void> => {
    await using link = await startSlowLink(port, 6 * MiB);
    const endpointUrl = `${scheme}://127.0.0.1:${link.port}`;
    await using storage = openS3(server, { endpointUrl }, limits);
    await storage.put(scheme, streamOf(Buffer.alloc(49 * MiB)), backup);
  };
  const port = Number(new URL(server.url).port);
  await using front = await startTlsFront(port);
  await Promise.all([putSlowly("http", port), putSlowly("https", front.port)]);
  const parts = server.requests.filter(({ operation }) => operation === "UploadPart");
  assert.equal(parts.length, 4);
  const unsigned = parts.filter(
    ({ headers }) => headers["x-amz-content-sha256"] === "UNSIGNED-PAYLOAD",
  );
  assert.deepEqual(
    unsigned.map(({ key }) => key),
    ["https", "https"],
  );
});

test("a body that fails before the first part is full makes no request", async () => {
  const broken = new Error("the dump broke");
  const put = openS3(server).put("a", failingStream(content.subarray(0, MiB), broken), backup);
  await assert.rejects(put, (error) => error === broken);
  assert.equal(server.requests.length, 0);
});

describe("what a killed put would leave is announced", () => {
  /** What was announced, each with what then was there. */
  const announced = async (act: (storage: Storage) => Promise<unknown>) => {
    const seen: { readonly begun: object; readonly there: readonly object[] }[] = [];
    const onUpload = (begun: object): void => {
      const uploads = server.uploads("backups").map(({ key, uploadId }) => ({ key, uploadId }));
      seen.push({ begun, there: [...uploads, ...server.objects("backups")] });
    };
    await act(openS3(server, { onUpload }));
    return seen;
  };
  const mark = async () => (await openS3(server).head("a"))?.metadata["holdfast-upload"];

  test("an upload as soon as it exists, its object just before", async () => {
    const [first, second, ...more] = await announced(put);
    assert.deepEqual([first?.begun], first?.there);
    assert.deepEqual(second?.there, first?.there);
    const metadata = { "holdfast-upload": await mark() };
    assert.deepEqual([second?.begun, more], [{ key: "a", metadata }, []]);
  });

  test("an object of one request just before", async () => {
    const seen = await announced((storage) => storage.put("a", Buffer.from("x"), backup));
    const metadata = { "holdfast-upload": await mark() };
    assert.deepEqual(seen, [{ begun: { key: "a", metadata }, there: [] }]);
  });

  test("no object that replaces another", async () => {
    const replace = { ...backup, replace: true };
    assert.deepEqual(await announced((storage) => storage.put("a", Buffer.from("x"), replace)), []);
  });
});

describe("a download", () => {
  const get = async (action: FaultAction): Promise<void> => {
    const storage = impatient({ silenceMs: 300 });
    await put();
    server.faults.push(fault("GetObject", action, Number.POSITIVE_INFINITY));
    const { body } = await storage.get("a");
    for await (const _ of body);
  };

  test("that is cut short fails instead of ending", async () => {
    await assert.rejects(get("truncate-body"), /GetObject s3:\/\/backups\/a failed: ECONNRESET/);
  });

  test("that stops fails instead of hanging", async () => {
    await assert.rejects(get("stall-body"), /GetObject s3:\/\/backups\/a failed: TimeoutError/);
  });

  test("that is altered fails by the checksum that lies beside the object", async () => {
    await assert.rejects(get("corrupt"), /Checksum mismatch/);
  });
});
