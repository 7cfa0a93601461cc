import assert from "node:assert/strict";
import { after, afterEach, before, describe, test } from "node:test";
import { manifestKey } from "../../src/backup/key.ts";
import type { Outcome } from "../run-action.ts";
import { startSqlite, type TestSqlite } from "../servers/sqlite.ts";
import { daily, Place, withManifests } from "./pruning-place.ts";
import { assertFailed, bucket, openScene, type Scene } from "./scene.ts";
import type { Seed } from "./seeds.ts";

type Texts = Readonly<Record<string, string>>;

let scene: Scene;
let database: TestSqlite;
before(async () => {
  scene = await openScene();
  database = await startSqlite();
  await database.sql("INSERT INTO written VALUES (1, hex(randomblob(2000)))");
});
after(async () => {
  await database[Symbol.asyncDispose]();
  await scene[Symbol.asyncDispose]();
});
afterEach(() => scene.s3.faults.clear());

/** A place with four backups, the last of which no rule keeps. */
function filled(more: Partial<Seed> = {}): {
  readonly place: Place;
  readonly keys: readonly string[];
} {
  const place = new Place(scene.s3, bucket);
  return { place, keys: place.hold(daily([1, 2, 3, 400], { engine: "sqlite", ...more })) };
}

function backUp({ prefix }: Place, more: Texts = {}): Promise<Outcome> {
  const file = { engine: "sqlite", container: database.name, database: database.path };
  return scene.act({ ...file, prefix, latest: "none", "min-size-ratio": "0", ...more });
}

async function succeed(place: Place, more: Texts = {}): Promise<Outcome> {
  const outcome = await backUp(place, more);
  assert.equal(outcome.status, 0, outcome.log);
  return outcome;
}

describe("after a backup", () => {
  test("what no rule keeps is deleted, and the list of the bucket not made again", async () => {
    const { place, keys } = filled();
    const from = scene.s3.requests.length;
    const { outputs, log, summary } = await succeed(place);
    assert.deepEqual(JSON.parse(outputs["deleted"] ?? ""), [keys[3]]);
    const stay = withManifests([...keys.slice(0, 3), outputs["key"] ?? ""]);
    assert.deepEqual(place.keys().toSorted(), stay);
    assert.match(log, /^Backups of app: 1 deleted, 4 kept$/m);
    assert.doesNotMatch(log, /^kept: /m);
    assert.match(summary, /### Holdfast: pruning, 1 of app deleted/);
    const asked = scene.s3.requests.slice(from).map(({ operation }) => operation);
    // One for what there is, one whether the key is taken.
    assert.equal(asked.filter((operation) => operation === "ListObjectsV2").length, 2);
    const manifests = keys.length;
    assert.equal(asked.filter((operation) => operation === "GetObject").length, manifests + 1);
  });

  for (const [what, more] of [
    ["it is not wanted", { prune: "false" }],
    ["nothing is ever to be pruned", { "keep-days": "0" }],
    ["the backup is a dry run", { "dry-run": "true" }],
  ] as const) {
    test(`nothing is deleted when ${what}`, async () => {
      const { place, keys } = filled();
      const { outputs } = await succeed(place, more);
      assert.equal(outputs["deleted"], undefined);
      assert.ok(withManifests(keys).every((key) => place.keys().includes(key)));
    });
  }

  test("nothing is deleted when that backup failed", async () => {
    const { place, keys } = filled();
    assertFailed(await backUp(place, { database: "/data/elsewhere.db" }), /elsewhere/);
    assert.deepEqual(place.keys().toSorted(), withManifests(keys));
  });

  test("nothing is deleted when it is much smaller than the one before, which is a warning", async () => {
    const { place, keys } = filled({ body: "x".repeat(100_000) });
    const { log, outputs } = await succeed(place, { "min-size-ratio": "0.5" });
    assert.match(log, /^::warning title=The backup shrank::/m);
    assert.match(log, /^::warning title=Not pruned::nothing was pruned: app shrank/m);
    assert.equal(outputs["deleted"], "[]");
    assert.ok(withManifests(keys).every((key) => place.keys().includes(key)));
  });

  test("nothing is deleted when that would be more than half, which is a warning", async () => {
    const { place, keys } = filled();
    const policy = { "keep-days": "0", "keep-last": "2" };
    const { log } = await succeed(place, policy);
    assert.match(log, /^::warning title=Not pruned::nothing was pruned: 3 of the 5 backups/m);
    assert.ok(withManifests(keys).every((key) => place.keys().includes(key)));
  });

  test("what cannot be deleted is a warning, and the backup is good", async () => {
    const { place, keys } = filled();
    const when = ({ operation }: { readonly operation: string }) => operation === "DeleteObject";
    const denied = { status: 403, code: "AccessDenied" };
    scene.s3.faults.push({ when, times: Number.POSITIVE_INFINITY, do: denied });
    const { log, outputs } = await succeed(place);
    assert.match(
      log,
      /^::warning title=Not pruned::one backup could not be deleted: .*AccessDenied/m,
    );
    assert.equal(outputs["deleted"], "[]");
    assert.ok(withManifests(keys).every((key) => place.keys().includes(key)));
  });

  test("what cannot even be planned is a warning, and the backup is good", async () => {
    const place = new Place(scene.s3, bucket);
    const days = Array.from({ length: 35 }, (_, day) => day + 1);
    const keys = place.hold(daily(days, { engine: "sqlite" }));
    // The backup's own plan reads thirty.
    const unread = manifestKey(keys[32] ?? "");
    const when = ({ key }: { readonly key: string }) => key === unread;
    const denied = { status: 403, code: "AccessDenied" };
    scene.s3.faults.push({ when, times: Number.POSITIVE_INFINITY, do: denied });
    const { log, outputs } = await succeed(place, { "keep-last": "34" });
    assert.match(
      log,
      /^::warning title=Not pruned::Old backups of app cannot be pruned: GetObject .*AccessDenied/m,
    );
    assert.equal(outputs["deleted"], undefined);
    assert.ok(withManifests(keys).every((key) => place.keys().includes(key)));
  });
});
