import { setTimeout as sleep } from "node:timers/promises";
import type { Operation, S3Request, S3Server } from "../servers/s3/index.ts";
import type { TestPostgres } from "../servers/postgres.ts";

/** Requests that wait in the store until they are let through. */
export interface Hold {
  /** Resolves when the first of them has arrived. */
  readonly reached: Promise<void>;
  release(): void;
}

/** Lets all requests of a kind wait. A long dump then stands still, half way, as everything on the way is full. */
export function hold(s3: S3Server, operation: Operation): Hold {
  return holdThose(s3, (request) => request.operation === operation);
}

/** The same for the requests that a condition is true of. */
export function holdThose(s3: S3Server, condition: (request: S3Request) => boolean): Hold {
  const reached = Promise.withResolvers<void>();
  const released = Promise.withResolvers<void>();
  const when = (request: S3Request) => {
    if (!condition(request)) return false;
    reached.resolve();
    return true;
  };
  s3.faults.push({ when, times: Number.POSITIVE_INFINITY, do: { until: released.promise } });
  return {
    reached: reached.promise,
    release: () => {
      s3.faults.clear();
      released.resolve();
    },
  };
}

/** True for the request that makes an artifact a backup. */
export function storesManifest({ operation, key }: S3Request): boolean {
  return operation === "PutObject" && key.endsWith(".manifest.json");
}

/** The inputs for a dump that nothing compresses. */
export const uncompressed = { engine: "postgres", compression: "none" };

/**
 * Makes a database that is small on disk and of which an uncompressed dump has a megabyte a row. With 120 it is longer
 * than all buffers between it and the store, which hold 80 MiB.
 */
export async function makeWide(postgres: TestPostgres, name: string, rows = 120): Promise<void> {
  await postgres.sql(`CREATE DATABASE ${name}`, "postgres");
  await postgres.sql(
    `CREATE TABLE wide AS SELECT n, repeat('x', 1000000) FROM generate_series(1, ${rows}) n`,
    name,
  );
}

/** Resolves as soon as `met` does to true. */
export async function until(
  met: () => Promise<boolean> | boolean,
  withinMs = 20_000,
): Promise<void> {
  const deadline = Date.now() + withinMs;
  while (!(await met())) {
    if (Date.now() > deadline)
      throw new Error(`it took longer than ${withinMs} ms: ${met.toString()}`);
    await sleep(50);
  }
}
