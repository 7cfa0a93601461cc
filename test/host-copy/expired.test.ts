import assert from "node:assert/strict";
import { test } from "node:test";
import { copyName, expired } from "../../src/host-copy/expired.ts";

const app = { database: "app", engine: "postgres" } as const;
const now = new Date("2026-03-10T12:00:00Z");
const policy = { days: 7, timezone: "UTC", now };

test("copies older than their days have expired, younger ones have not", () => {
  const names = ["app_20260310_030000.dump.zst", "app_20260304_030000.dump.zst"];
  const old = ["app_20260303_030000.dump.zst", "app_20260101_030000.dump.zst"];
  assert.deepEqual(expired([...names, ...old], app, policy), old);
});

test("the newest copy never expires", () => {
  const names = ["app_20250101_030000.dump.zst", "app_20250102_030000.dump.zst"];
  assert.deepEqual(expired(names, app, policy), ["app_20250101_030000.dump.zst"]);
  assert.deepEqual(expired(names.slice(1), app, policy), []);
});

test("nothing expires but copies of exactly this database and engine", () => {
  const newest = "app_20260310_030000.dump.zst";
  const others = [
    "app_x_20200101_030000.dump.zst",
    "app_20200101_030000.db.zst",
    "app_20200101_20200101_030000.dump.zst",
    "notes.txt",
    "app_20200101_030000.dump.zst.manifest.json",
    ".app_20200101_030000.dump.zst.holdfast-copy-0011223344556677",
    "app_20200230_030000.dump.zst",
  ];
  assert.deepEqual(expired([newest, ...others], app, policy), []);
});

test("copies that a shell script has left expire like ours", () => {
  const names = ["app_20260310_030000.db.zst", "app_20200101_030000.db.gz"];
  const sqlite = { ...app, engine: "sqlite" } as const;
  assert.deepEqual(expired(names, sqlite, policy), ["app_20200101_030000.db.gz"]);
});

test("a copy's name tells database and time in the time zone asked for, and can be read back", () => {
  const subject = { ...app, database: "my shop/ü", extension: "dump.zst" };
  const name = copyName(subject, "Asia/Tokyo", new Date("2026-03-01T18:00:00Z"));
  assert.match(name, /_20260302_030000\.dump\.zst$/);
  assert.ok(!name.includes("/"), name);
  const names = ["zz", name, copyName(subject, "Asia/Tokyo", now)];
  assert.deepEqual(expired(names, subject, { ...policy, timezone: "Asia/Tokyo" }), [name]);
});
