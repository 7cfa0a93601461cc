import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { after, before, describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import type { BackupJson } from "../../src/backup/entry.ts";
import type { Outcome } from "../run-action.ts";
import { startAction } from "../run-action.ts";
import { type S3Server, startS3 } from "../servers/s3/index.ts";
import { daily, Place } from "./pruning-place.ts";

/** Two objects each: twenty pages of a list. */
const backups = 10_000;
const pages = (2 * backups) / 1_000;
const mostBytes = 300 * 1024 ** 2;

let s3: S3Server;
let place: Place;
let keys: readonly string[];
before(async () => {
  s3 = await startS3();
  place = new Place(s3, "backups");
  // Four a day for almost seven years.
  keys = place.hold(daily(Array.from({ length: backups }, (_, count) => (count + 1) / 4)));
});
after(() => s3.stop());

interface Measured extends Outcome {
  /** How often each operation of S3 was asked for. */
  readonly requests: Readonly<Record<string, number>>;
  readonly peakBytes: number;
}

/** Runs the action and measures what it takes. */
async function measured(more: Readonly<Record<string, string>>): Promise<Measured> {
  const from = s3.requests.length;
  const step = startAction(place.inputs(more), s3.env);
  const ended = new AbortController();
  const peak = peakOf(step.pid, ended.signal);
  const outcome = await step.outcome.finally(() => ended.abort());
  assert.equal(outcome.status, 0, outcome.log.slice(-2_000));
  const asked = s3.requests.slice(from).map(({ operation }) => operation ?? "");
  const requests = Object.fromEntries(
    [...new Set(asked)].map((name) => [name, asked.filter((other) => other === name).length]),
  );
  return { ...outcome, requests, peakBytes: await peak };
}

/** The most memory that a process had, VmHWM of proc(5), until shortly before its end. */
async function peakOf(pid: number, ended: AbortSignal): Promise<number> {
  let peakBytes = 0;
  while (!ended.aborted) {
    const status = await readFile(`/proc/${pid}/status`, "utf8").catch(() => "");
    peakBytes = Math.max(peakBytes, Number(/^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1] ?? 0) * 1_024);
    await sleep(10);
  }
  return peakBytes;
}

describe("among 10,000 backups", () => {
  test("a list asks for its pages and for 250 manifests", async () => {
    const { requests, outputs, log, peakBytes } = await measured({ operation: "list" });
    assert.deepEqual(requests, { ListObjectsV2: pages, GetObject: 250 });
    assert.ok(peakBytes > 0 && peakBytes < mostBytes, String(peakBytes));
    const listed: readonly BackupJson[] = JSON.parse(outputs["backups"] ?? "");
    assert.deepEqual(
      listed.map(({ key }) => key),
      keys,
    );
    assert.equal(listed.filter(({ proven }) => proven).length, 250);
    assert.match(log, /^10000 backups, 250 proven, 9750 whose manifest was not read$/m);
  });

  test("a plan to prune asks for the pages and for the manifests that the policy counts", async () => {
    const policy = {
      "keep-days": "60",
      "keep-daily": "31",
      "keep-monthly": "24",
      "keep-yearly": "9",
    };
    const { requests, log, peakBytes } = await measured({
      ...policy,
      "dry-run": "true",
      "prune-fuse": "off",
    });
    const { ListObjectsV2, ListMultipartUploads, GetObject = 0, ...others } = requests;
    assert.deepEqual([ListObjectsV2, ListMultipartUploads, others], [pages, 1, {}]);
    // Two are looked for where the last backup would have left the mark of its failure.
    assert.ok(GetObject > 31 && GetObject <= 3 + 31 + 24 + 9 + 2, String(GetObject));
    assert.ok(peakBytes > 0 && peakBytes < mostBytes, String(peakBytes));
    assert.match(log, /^Backups of app: 9,7\d\d would be deleted, 2\d\d kept$/m);
  });

  test("pruning asks for four things of each that it deletes, and for nothing of those it keeps", async () => {
    const days = backups / 4 - 25;
    const { requests, outputs, peakBytes } = await measured({ "keep-days": String(days) });
    const deleted: readonly string[] = JSON.parse(outputs["deleted"] ?? "");
    assert.deepEqual(new Set(deleted), new Set(keys.slice(-deleted.length)));
    assert.ok(deleted.length > 95 && deleted.length < 105);
    assert.deepEqual(requests, {
      ListMultipartUploads: 1,
      GetObject: 2 + 3 + deleted.length,
      ListObjectsV2: pages,
      HeadObject: deleted.length,
      DeleteObject: 2 * deleted.length,
    });
    assert.ok(peakBytes > 0 && peakBytes < mostBytes, String(peakBytes));
  });
});
