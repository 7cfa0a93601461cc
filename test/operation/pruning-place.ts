import assert from "node:assert/strict";
import { manifestKey } from "../../src/backup/key.ts";
import { type Outcome, runAction, type Step, startAction } from "../run-action.ts";
import type { Past, S3Server } from "../servers/s3/index.ts";
import { daysAgo, keyOf, objectsOf, type Seed } from "./seeds.ts";

type Texts = Readonly<Record<string, string>>;

export interface Pruned extends Outcome {
  /** The output; null when there is none. */
  readonly deleted: readonly string[] | null;
  /** The operations that S3 was asked for. */
  readonly requests: readonly string[];
}

/** A prefix of a bucket that is pruned. */
export class Place {
  static #count = 0;
  readonly #s3: S3Server;
  readonly bucket: string;
  readonly prefix = `place-${++Place.#count}`;

  constructor(s3: S3Server, bucket: string) {
    this.#s3 = s3;
    this.bucket = bucket;
  }

  /** Stores backups, as they were stored then, and returns their keys. */
  hold(seeds: readonly Seed[]): readonly string[] {
    const here = seeds.map((seed) => ({ prefix: this.prefix, ...seed }));
    this.#s3.fill(this.bucket, here.flatMap(objectsOf));
    return here.map(keyOf);
  }

  /** Stores something else, long ago, and returns its key. */
  put(name: string, body = "something", more: Partial<Past> = {}): string {
    const key = `${this.prefix}/${name}`;
    this.#s3.fill(this.bucket, [{ key, body, modified: daysAgo(100), ...more }]);
    return key;
  }

  keys(): readonly string[] {
    const keys = this.#s3.objects(this.bucket).map(({ key }) => key);
    return keys.filter((key) => key.startsWith(`${this.prefix}/`));
  }

  /** Runs `operation: prune` for the PostgreSQL database `app`, or as told. */
  async prune(more: Texts = {}): Promise<Pruned> {
    const from = this.#s3.requests.length;
    const outcome = await runAction(this.inputs(more), this.#s3.env);
    const deleted = JSON.parse(outcome.outputs["deleted"] ?? "null");
    const requests = this.#s3.requests.slice(from).map(({ operation }) => operation ?? "");
    return { ...outcome, deleted, requests };
  }

  /** The same, and fails unless it succeeds. */
  async succeed(more: Texts = {}): Promise<Pruned> {
    const pruned = await this.prune(more);
    assert.equal(pruned.status, 0, pruned.log);
    return pruned;
  }

  /** Starts it. */
  start(more: Texts = {}): Step {
    return startAction(this.inputs(more), this.#s3.env);
  }

  inputs(more: Texts): Texts {
    const { bucket, prefix } = this;
    return { operation: "prune", bucket, prefix, engine: "postgres", database: "app", ...more };
  }
}

/** Keys and those of their manifests, sorted. */
export function withManifests(keys: readonly string[]): readonly string[] {
  return keys.flatMap((key) => [key, manifestKey(key)]).toSorted();
}

/** Backups that were made so many days ago. */
export function daily(days: readonly number[], more: Partial<Seed> = {}): readonly Seed[] {
  return days.map((day) => ({ at: daysAgo(day), ...more }));
}
