import assert from "node:assert/strict";
import { after, afterEach, before, describe, test } from "node:test";
import { manifestKey } from "../../src/backup/key.ts";
import { manifestText } from "../../src/backup/manifest.ts";
import { aManifest } from "../builders.ts";
import { type S3Request, type S3Server, startS3 } from "../servers/s3/index.ts";
import { daily, Place, withManifests } from "./pruning-place.ts";
import { assertFailed } from "./scene.ts";
import { daysAgo, keyOf, objectsOf } from "./seeds.ts";

let s3: S3Server;
before(async () => {
  const bucket = { name: "backups", region: "eu-central-1", versioning: "Enabled" } as const;
  s3 = await startS3({ buckets: [bucket] });
});
after(() => s3.stop());
afterEach(() => s3.faults.clear());

const denied = { status: 403, code: "AccessDenied" };

function deletes(isWanted: (key: string) => boolean): (request: S3Request) => boolean {
  return ({ operation, key }) => operation === "DeleteObject" && isWanted(key);
}

const isManifest = (key: string): boolean => key.endsWith(manifestKey(""));

describe("pruning that was killed", () => {
  for (const [what, isWanted, left] of [
    ["before a manifest was deleted", isManifest, 2],
    ["between a manifest and its artifact", (key: string) => !isManifest(key), 1],
  ] as const) {
    test(`${what} is finished by the next run`, async () => {
      const place = new Place(s3, "backups");
      const month = ["11", "10"].map((day) => ({ at: new Date(`2025-01-${day}T03:00:00Z`) }));
      const keys = place.hold([...daily([1, 2, 3]), ...month]);
      const [old = ""] = keys.slice(4);
      const reached = Promise.withResolvers<void>();
      const when = (request: S3Request) => {
        const found = deletes(isWanted)(request);
        if (found) reached.resolve();
        return found;
      };
      s3.faults.push({ when, times: 1, do: "hang" });
      await using step = place.start({ "keep-monthly": "12" });
      await Promise.race([reached.promise, step.outcome]);
      step.kill("SIGKILL");
      await step.outcome;
      assert.equal(place.keys().filter((key) => key.startsWith(old)).length, left);
      // Nor is the artifact alone taken for one of those twelve months.
      const { deleted, log } = await place.succeed({ "keep-monthly": "12" });
      assert.deepEqual(deleted, [old], log);
      assert.deepEqual(place.keys().toSorted(), withManifests(keys.slice(0, 4)));
    });
  }

  test("by a cancelled job brings to its end what it has begun", async () => {
    const place = new Place(s3, "backups");
    const keys = place.hold(daily([1, 2, 3, 4, 400, 401]));
    const reached = Promise.withResolvers<void>();
    const opened = Promise.withResolvers<void>();
    const when = (request: S3Request) => {
      const found = deletes((key) => !isManifest(key))(request);
      if (found) reached.resolve();
      return found;
    };
    s3.faults.push({ when, times: 2, do: { until: opened.promise } });
    await using step = place.start();
    await Promise.race([reached.promise, step.outcome]);
    step.kill("SIGINT");
    opened.resolve();
    await step.outcome;
    assert.deepEqual(place.keys().toSorted(), withManifests(keys.slice(0, 4)));
  });
});

describe("a manifest whose artifact is gone", () => {
  const orphan = (place: Place, days: number, more: Parameters<typeof aManifest>[0] = {}) => {
    const key = keyOf({ at: daysAgo(days), prefix: place.prefix });
    const text = manifestText(aManifest({ key, ...more }));
    return place.put(manifestKey(key.replace(`${place.prefix}/`, "")), text, {
      modified: daysAgo(days),
    });
  };

  test("is deleted when it is older than a day, unless it is somebody else's", async () => {
    const place = new Place(s3, "backups");
    place.hold(daily([1, 2, 3]));
    const old = orphan(place, 2.5);
    const kept = [
      orphan(place, 0.5),
      orphan(place, 2.6, { database: "shop" }),
      orphan(place, 2.7, { engine: "sqlite" }),
      place.put("app_20200101_000000.dump.manifest.json", "{"),
      place.put("app_x_20200101_000000.dump.manifest.json", "{"),
    ];
    const { deleted, log } = await place.succeed();
    assert.deepEqual(deleted, [old]);
    assert.ok(kept.every((key) => place.keys().includes(key)));
    assert.match(log, /that of the postgres database shop/);
    assert.match(log, /invalid manifest: it is not JSON/);
  });
});

describe("what cannot be deleted", () => {
  test("is told at the end, keeps its manifest, and does not keep the others", async () => {
    const place = new Place(s3, "backups");
    const keys = place.hold(daily([1, 2, 3, 4, 5, 400, 401]));
    s3.faults.push({ when: deletes((key) => key === keys[6]), times: 1, do: denied });
    const { deleted, log, ...outcome } = await place.prune();
    assertFailed(
      { ...outcome, log },
      /one backup could not be deleted: DeleteObject s3:.*AccessDenied/,
    );
    assert.deepEqual(deleted, [keys[5]]);
    assert.deepEqual(place.keys().toSorted(), withManifests([...keys.slice(0, 5), keys[6] ?? ""]));
    assert.match(log, new RegExp(`^not deleted: ${keys[6]} \\(DeleteObject .*AccessDenied`, "m"));
    assert.deepEqual((await place.succeed()).deleted, [keys[6]]);
  });

  test("for want of permission is not asked for a thousand times", async () => {
    const place = new Place(s3, "backups");
    place.hold(daily(Array.from({ length: 60 }, (_, day) => day + 0.5)));
    s3.faults.push({ when: deletes(() => true), times: Number.POSITIVE_INFINITY, do: denied });
    const { requests, log, ...outcome } = await place.prune({ "keep-days": "31" });
    assertFailed({ ...outcome, log }, /16 backups could not be deleted/);
    assert.equal(requests.filter((request) => request === "DeleteObject").length, 16);
    assert.match(log, /^not deleted: .* \(not tried: those before it could not be deleted\)$/m);
  });

  test("since the store does not answer what was done is asked for again", async () => {
    const place = new Place(s3, "backups");
    const keys = place.hold(daily([1, 2, 3, 400]));
    s3.faults.push({ when: deletes(() => true), times: 2, do: "lose-answer" });
    assert.deepEqual((await place.succeed()).deleted, [keys[3]]);
    assert.deepEqual(place.keys().toSorted(), withManifests(keys.slice(0, 3)));
  });
});

describe("what changes while it prunes", () => {
  async function meanwhile(act: (key: string) => void) {
    const place = new Place(s3, "backups");
    const keys = place.hold(daily([1, 2, 3, 400]));
    const [old = ""] = keys.slice(3);
    const when = ({ operation, key }: S3Request) => {
      const found = operation === "HeadObject" && key === old;
      if (found) act(old);
      return found;
    };
    s3.faults.push({ when, times: 1, do: { delayMs: 0 } });
    return { ...(await place.succeed()), place, old };
  }

  test("an artifact that was replaced since it was listed stays", async () => {
    const { deleted, log, place, old } = await meanwhile((key) =>
      s3.fill("backups", [{ key, body: "another", modified: new Date() }]),
    );
    assert.deepEqual(deleted, []);
    assert.ok(place.keys().includes(old));
    assert.match(log, /it has changed since it was listed/);
  });

  test("a manifest that was replaced since then decides", async () => {
    const { deleted, log } = await meanwhile((key) => {
      const body = manifestText(aManifest({ key, bytes: 6, database: "shop" }));
      s3.fill("backups", [{ key: manifestKey(key), body, modified: new Date() }]);
    });
    assert.deepEqual(deleted, []);
    assert.match(log, /its manifest is that of the postgres database shop/);
  });
});

test("a bucket that cannot be listed is an error", async () => {
  const place = new Place(s3, "elsewhere");
  assertFailed(await place.prune(), /NoSuchBucket/);
});

test("a store that fails while it plans deletes nothing", async () => {
  const place = new Place(s3, "backups");
  place.hold(daily([1, 2, 3, 400]));
  const when = ({ operation }: S3Request) => operation === "GetObject";
  s3.faults.push({ when, times: Number.POSITIVE_INFINITY, do: denied });
  assertFailed(await place.prune(), /GetObject .*AccessDenied/);
  assert.equal(place.keys().length, objectsOf({ at: daysAgo(1) }).length * 4);
});
