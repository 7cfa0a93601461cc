import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { S3 } from "@aws-sdk/client-s3";
import { manifestKey } from "../../src/backup/key.ts";
import { manifestText } from "../../src/backup/manifest.ts";
import { aManifest } from "../builders.ts";
import { type S3Server, startS3 } from "../servers/s3/index.ts";
import { daily, Place, withManifests } from "./pruning-place.ts";
import { assertFailed } from "./scene.ts";
import { daysAgo, keyOf, type Seed } from "./seeds.ts";

type Texts = Readonly<Record<string, string>>;

const region = "eu-central-1";
const locking = { versioning: "Enabled", objectLock: { retentionDays: 0 } } as const;
const buckets = [
  { name: "backups", region, versioning: undefined },
  { name: "versions", region, versioning: "Enabled" },
  { name: "locked", region, ...locking },
] as const;

let s3: S3Server;
before(async () => {
  s3 = await startS3({ buckets });
});
after(() => s3.stop());

function newPlace(bucket: (typeof buckets)[number]["name"] = "backups"): Place {
  return new Place(s3, bucket);
}

describe("operation: prune", () => {
  test("deletes what no rule keeps, artifact and manifest, and tells why", async () => {
    const place = newPlace();
    const keys = place.hold(daily([1, 10, 29, 31, 60]));
    const { deleted, log, summary } = await place.succeed();
    const [newest = "", , , last = "", oldest = ""] = keys;
    assert.deepEqual(deleted, [oldest, last]);
    assert.deepEqual(place.keys().toSorted(), withManifests(keys.slice(0, 3)));
    assert.ok(log.includes(`kept: ${newest} (newest proven, keep-days, keep-last)\n`), log);
    assert.ok(log.includes(`deleted: ${oldest} (no rule keeps it)\n`), log);
    assert.match(log, /^Backups of app: 2 deleted, 3 kept$/m);
    assert.match(summary, /^### Holdfast: pruning, 2 of app deleted\n\n\| Created \|/);
    assert.match(summary, /\| deleted \| no rule keeps it \| <code>/);
    assert.match(summary, /<summary>3 kept<\/summary>\n\n\| Created \|/);
  });

  test("in a dry run shows the plan alone", async () => {
    const place = newPlace();
    const keys = place.hold(daily([1, 2, 3, 4, 31, 60]));
    const { deleted, log, summary, requests } = await place.succeed({ "dry-run": "true" });
    assert.deepEqual(deleted, []);
    assert.deepEqual(place.keys().toSorted(), withManifests(keys));
    assert.deepEqual(
      requests.filter((request) => !/^(List|GetObject)/.test(request)),
      [],
    );
    assert.ok(log.includes(`would be deleted: ${keys.at(-1)} (no rule keeps it)\n`), log);
    assert.match(log, /^Backups of app: 2 would be deleted, 4 kept$/m);
    assert.match(summary, /^### Holdfast: dry run, 2 of app would be deleted\n/);
  });

  test("counts days, weeks, months and years in the time zone", async () => {
    const place = newPlace();
    // Midnight in Tokyo is at 15:00 UTC.
    const keys = place.hold(
      ["2025-01-31T14:30:00Z", "2025-01-31T15:30:00Z", "2025-02-01T14:30:00Z"].map((at) => ({
        at: new Date(at),
      })),
    );
    const policy = { "keep-days": "0", "keep-last": "0", "keep-monthly": "12", "dry-run": "true" };
    const utc = await place.succeed(policy);
    assert.ok(utc.log.includes(`would be deleted: ${keys[0]} (`), utc.log);
    const tokyo = await place.succeed({ ...policy, timezone: "Asia/Tokyo" });
    assert.ok(tokyo.log.includes(`would be deleted: ${keys[1]} (`), tokyo.log);
  });

  test("deletes nothing, ever, when keep-days is 0 and no other rule is set", async () => {
    const place = newPlace();
    const keys = place.hold(daily([1000, 2000, 3000, 4000, 5000]));
    const { deleted, log } = await place.succeed({ "keep-days": "0" });
    assert.deepEqual(deleted, []);
    assert.match(log, /nothing is ever pruned/);
    assert.deepEqual(place.keys().toSorted(), withManifests(keys));
  });

  test("has nothing to do where there is nothing", async () => {
    const { deleted, log } = await newPlace().succeed();
    assert.deepEqual(deleted, []);
    assert.match(log, /^Backups of app: none$/m);
  });

  test("deletes exactly the versions that there are in a bucket with versions", async () => {
    const place = newPlace("versions");
    const keys = place.hold(daily([1, 2, 3, 40]));
    const before = s3.versions("versions").length;
    await place.succeed();
    assert.deepEqual(place.keys().toSorted(), withManifests(keys.slice(0, 3)));
    const left = s3.versions("versions");
    assert.deepEqual(
      [left.length, left.every(({ kind }) => kind === "object")],
      [before - 2, true],
    );
  });

  test("aborts unfinished uploads of exactly this database that are older than a day", async () => {
    const place = newPlace();
    const client = new S3(s3.client);
    const day = "20251120_000000";
    const keys = [`app_${day}.dump`, `app_${day}.db`, `app_x_${day}.dump`, `app_${day}.dump.zst`];
    for (const key of keys.map((name) => `${place.prefix}/${name}`))
      await client.createMultipartUpload({ Bucket: place.bucket, Key: key });
    client.destroy();
    const left = () => s3.uploads(place.bucket).map(({ key }) => key.split("/")[1]);
    for (const upload of s3.uploads(place.bucket))
      if (!upload.key.endsWith(".zst")) Object.assign(upload, { initiated: daysAgo(1.1) });
    const dry = await place.succeed({ "dry-run": "true" });
    assert.match(dry.log, /^Unfinished uploads older than a day, would be aborted: 1$/m);
    assert.deepEqual(left(), keys);
    await place.succeed();
    assert.deepEqual(left(), keys.slice(1));
  });

  test("tells of keys that the template does not read, and lets them be", async () => {
    const place = newPlace();
    place.hold(daily([1, 2, 3]));
    const odd = [place.put("notes.txt"), place.put("app-2020.dump"), place.put("x/y.json")];
    place.hold([{ at: daysAgo(900), template: "{prefix}/{database}/{YYYYMMDD}{HHMMSS}" }]);
    for (const key of [
      "postgres/app/latest.json",
      "latest.dump.zst",
      "before-restore/app_20200101_000000.dump",
    ])
      odd.push(place.put(key));
    const { log, summary, deleted } = await place.succeed({
      "keep-last": "1",
      "keep-days": "0",
      "keep-daily": "3",
    });
    assert.deepEqual(deleted, []);
    assert.match(log, /^Objects under keys that the template does not read, let be: 4$/m);
    assert.match(summary, /let be: 4/);
    for (const key of odd) assert.ok(place.keys().includes(key), key);
  });
});

describe("only exactly this database and engine", () => {
  test("siblings whose names begin with its name stay, and it does when they are pruned", async () => {
    const place = newPlace();
    const names = ["app", "app_x", "app_x_20200101", "app_20200101_030000", "ap"];
    const all = names.map((database) => place.hold(daily([1, 2, 3, 4, 400, 401], { database })));
    const others = all.slice(1).flat();
    const [app = []] = all;
    const first = await place.succeed();
    assert.deepEqual(first.deleted, [app[5], app[4]]);
    const second = await place.succeed({ database: "app_x" });
    assert.deepEqual(second.deleted, [all[1]?.[5], all[1]?.[4]]);
    const gone = new Set([...(first.deleted ?? []), ...(second.deleted ?? [])]);
    const stay = [...app, ...others].filter((key) => !gone.has(key));
    assert.deepEqual(place.keys().toSorted(), withManifests(stay));
  });

  test("another engine's database of the same name stays", async () => {
    const place = newPlace();
    const theirs = place.hold(daily([1, 2, 3, 400, 401], { engine: "sqlite" }));
    const ours = place.hold(daily([1, 2, 3, 400]));
    const { deleted } = await place.succeed();
    assert.deepEqual(deleted, [ours[3]]);
    assert.ok(theirs.every((key) => place.keys().includes(key)));
  });

  test("where keys do not tell the engine, manifests do", async () => {
    const place = newPlace();
    const template = "{prefix}/{database}/{YYYYMMDD}{HHMMSS}";
    const theirs = place.hold(daily([1.5, 2.5, 3.5, 400.5], { engine: "sqlite", template }));
    const ours = place.hold(daily([1, 2, 3, 400], { template }));
    const bare = place.hold([{ at: daysAgo(600), template, proven: false }]);
    const { deleted, log } = await place.succeed({ "key-template": template, "prune-fuse": "off" });
    assert.deepEqual(deleted, [ours[3]]);
    for (const key of [...theirs, ...bare]) assert.ok(place.keys().includes(key), log);
  });

  test("artifacts of the two scripts that match the template are covered by the time in their keys", async () => {
    const place = newPlace();
    place.hold(daily([1, 2, 3, 4]));
    const script = (days: number) =>
      keyOf({ at: daysAgo(days), prefix: "", extension: "sql.gz", proven: false });
    const [young, old] = [place.put(script(20)), place.put(script(90))];
    const { deleted } = await place.succeed();
    assert.deepEqual(deleted, [old]);
    assert.ok(place.keys().includes(young));

    const files = { engine: "sqlite" } as const;
    place.hold(daily([1, 2, 3], files));
    const copy = keyOf({ ...files, at: daysAgo(90), prefix: "", extension: "db.gz" });
    const copied = place.put(copy);
    const sqlite = { engine: "sqlite", database: "/data/app.db" };
    assert.deepEqual((await place.succeed(sqlite)).deleted, [copied]);
  });

  test("an artifact without a manifest stays as long as fewer proven ones are newer than the rules want", async () => {
    const place = newPlace();
    place.hold(daily([1, 2]));
    const old = place.hold([{ at: daysAgo(400), extension: "sql.gz", proven: false }]);
    const { deleted, log } = await place.succeed();
    assert.deepEqual(deleted, []);
    assert.ok(log.includes(`kept: ${old[0]} (keep-last)`), log);
  });
});

describe("is refused as a whole", () => {
  const oldest = ["keep-days", "keep-daily"].map((name) => [name, "0"] as const);
  const last = (count: number): Texts => ({
    ...Object.fromEntries(oldest),
    "keep-last": String(count),
  });

  test("when more than half of the backups would go, unless the fuse is off", async () => {
    const place = newPlace();
    const keys = place.hold(daily([1, 2, 3, 4, 5]));
    const refused = await place.prune(last(2));
    assertFailed(refused, /nothing was pruned: 3 of the 5 backups of app would go at once/);
    assert.deepEqual([refused.deleted, place.keys().toSorted()], [[], withManifests(keys)]);
    assert.match(refused.summary, /\*\*Nothing is deleted:\*\* 3 of the 5/);
    assert.match(refused.summary, /no rule keeps it, but nothing is deleted/);
    const dry = await place.succeed({ ...last(2), "dry-run": "true" });
    assert.match(dry.log, /^Nothing is deleted: 3 of the 5/m);
    const done = await place.succeed({ ...last(2), "prune-fuse": "off" });
    assert.deepEqual(done.deleted, [keys[4], keys[3], keys[2]]);
  });

  test("when nothing proven would remain, also with the fuse off", async () => {
    const place = newPlace();
    const keys = place.hold(daily([100, 200, 300], { proven: false }));
    place.hold(daily([1, 2, 3], { manifest: { schema: 1, bytes: 1 } }));
    const policy = { "keep-days": "30", "keep-last": "0", "prune-fuse": "off" };
    assertFailed(
      await place.prune(policy),
      /nothing was pruned: none of the 3 backups of app is proven/,
    );
    assert.ok(keys.every((key) => place.keys().includes(key)));
  });

  test("when the newest backup is much smaller than the one before, or lost its rows", async () => {
    const tables = (rows: number) => ({ rows: [{ table: "orders", rows }] });
    for (const [newest, other] of [
      [{ body: "small" }, { body: "much larger than that" }],
      [{ manifest: tables(0) }, { manifest: tables(100) }],
    ] as const) {
      const place = newPlace();
      place.hold([...daily([1], newest), ...daily([2, 3, 4, 400], other)]);
      const policy = { "keep-last": "1", "keep-days": "0" };
      const refused = await place.prune({ ...policy, "prune-fuse": "off" });
      assertFailed(refused, /nothing was pruned: app (shrank|has its schema and no rows)/);
      assert.equal(place.keys().length, 10);
      const done = await place.succeed({ ...policy, "prune-fuse": "off", "min-size-ratio": "0" });
      assert.equal(done.deleted?.length, 4);
    }
  });

  test("when the last backup failed, as the mark of failures tells", async () => {
    const series = { since: "2026-01-01T00:00:00Z", failures: 3, message: "no login", run: null };
    for (const key of ["postgres/app/failing.json", "postgres/failing.json"]) {
      const place = newPlace();
      place.hold(daily([1, 2, 3, 400]));
      const mark = (operation: string) => {
        const failing = { schema: 1, operations: { [operation]: series } };
        place.put(key, JSON.stringify(failing));
      };
      mark("backup");
      const why = /the last backup failed, and every one since 2026-01-01T00:00:00Z: no login/;
      assertFailed(await place.prune(), why);
      mark("prune");
      assert.equal((await place.succeed()).deleted?.length, 1);
    }
  });

  test("when keep-last is 0 and no other rule would keep anything", async () => {
    const place = newPlace();
    place.hold(daily([1, 2]));
    assertFailed(await place.prune({ "keep-days": "0", "keep-last": "0" }), /keep-last is 0/);
    assert.equal(place.keys().length, 4);
  });

  test("when there is no end to manifests that cannot be used", async () => {
    const place = newPlace();
    const bad = Array.from({ length: 150 }, (_, day) => day + 1);
    place.hold(daily(bad, { manifest: { bytes: 1 } }));
    place.hold(daily([400, 401, 402, 403, 404]));
    const refused = await place.prune({ "prune-fuse": "off" });
    assertFailed(refused, /more than 100 backups of app have manifests that cannot be used/);
    const read = refused.requests.filter((request) => request === "GetObject").length;
    assert.ok(read > 100 && read < 110, String(read));
  });
});

describe("lets be and reports", () => {
  async function spared(place: Place, seed: Seed, why: RegExp, more: Texts = {}): Promise<void> {
    place.hold(daily([1, 2, 3, 4]));
    const [gone, ...kept] = place.hold([{ at: daysAgo(300) }, seed]);
    const { deleted, log, summary } = await place.succeed(more);
    assert.deepEqual(deleted, [gone]);
    assert.ok(place.keys().includes(kept[0] ?? ""));
    assert.match(log, new RegExp(`^kept: ${kept[0]} \\(${why.source}\\)$`, "m"));
    assert.match(summary, why);
  }

  const until = new Date(Date.now() + 3_600_000).toISOString();
  const retained = {
    "x-amz-object-lock-mode": "GOVERNANCE",
    "x-amz-object-lock-retain-until-date": until,
  };
  const held = { "x-amz-object-lock-legal-hold": "ON" };

  test("what Object Lock protects", async () => {
    const why = new RegExp(`Object Lock keeps it until ${until.slice(0, 10)} .* UTC`);
    await spared(newPlace("locked"), { at: daysAgo(200), headers: retained }, why);
  });

  test("what is under a legal hold", async () => {
    await spared(
      newPlace("locked"),
      { at: daysAgo(200), headers: held },
      /it is under a legal hold/,
    );
  });

  test("a backup whose manifest alone is locked", async () => {
    const place = newPlace("locked");
    const key = keyOf({ at: daysAgo(200), prefix: place.prefix });
    const manifest = manifestText(
      aManifest({ key, bytes: 6, created: daysAgo(200).toISOString() }),
    );
    place.put(manifestKey(key.slice(place.prefix.length + 1)), manifest, { headers: held });
    await spared(place, { at: daysAgo(200), proven: false }, /it is under a legal hold/);
    assert.ok(place.keys().includes(manifestKey(key)));
  });

  test("a backup with an invalid manifest", async () => {
    const why = /invalid manifest: it says 7 bytes, the object has 6/;
    await spared(newPlace(), { at: daysAgo(200), manifest: { bytes: 7 } }, why);
  });

  test("a backup whose manifest is another database's", async () => {
    const why = /its manifest is that of the postgres database shop/;
    await spared(newPlace(), { at: daysAgo(200), manifest: { database: "shop" } }, why);
  });

  test("a backup that is young by its manifest, whatever its key says", async () => {
    const created = daysAgo(5).toISOString();
    await spared(
      newPlace(),
      { at: daysAgo(200), manifest: { created } },
      /keep-days, by its manifest/,
    );
  });

  test("an artifact without a manifest that was stored within a day", async () => {
    const place = newPlace();
    const key = keyOf({ at: daysAgo(200), prefix: "" });
    place.put(key, "new", { modified: daysAgo(0.5) });
    place.hold(daily([1, 2, 3, 4]));
    const { deleted, log } = await place.succeed();
    assert.deepEqual(deleted, []);
    assert.match(log, /stored within a day: its manifest may be on the way/);
  });
});

test("a backup whose manifest does not hold counts for nothing, and the next one takes its place", async () => {
  const place = newPlace();
  place.hold(daily([1, 2], { manifest: { bytes: 1 } }));
  const keys = place.hold(daily([3, 4, 5, 6]));
  const { deleted, log } = await place.succeed({ "keep-days": "0", "keep-last": "3" });
  assert.deepEqual(deleted, [keys[3]]);
  assert.match(log, /^kept: .* \(invalid manifest: it says 1 bytes, the object has 6\)$/m);
});
