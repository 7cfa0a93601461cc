import assert from "node:assert/strict";
import { readdir, readFile } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { bucket, type Scene } from "../operation/scene.ts";
import { output } from "../servers/command.ts";
import type { TestContainer } from "../servers/docker.ts";

/** A container whose processes and files are looked at, with the directory of its database. */
export interface Place {
  readonly container: TestContainer;
  readonly directory: string;
}

/** All that a run may leave behind: a list of names for each kind. */
type Traces = Readonly<Record<string, readonly string[]>>;

/** How long what a run has left may take to go. */
const fadingMs = 12_000;

/**
 * Does something after which all must be as it was before: no new object or upload in the bucket, no process and no
 * temporary file in the containers or on the host, no session of sshd.
 */
export async function leavingNothing<T>(
  scene: Scene,
  places: readonly Place[],
  act: () => Promise<T>,
): Promise<T> {
  const before = await traces(scene, places);
  const done = await act();
  assert.deepEqual(inBucket(scene), before["bucket"]);
  await settled(scene, places, before);
  return done;
}

/** The same, but that objects may be stored: no upload, process, session or temporary file stays. */
export async function leavingOnlyObjects<T>(
  scene: Scene,
  places: readonly Place[],
  act: () => Promise<T>,
): Promise<T> {
  const before = await traces(scene, places);
  const done = await act();
  assert.deepEqual(uploads(scene), []);
  await settled(scene, places, { ...before, bucket: inBucket(scene) });
  return done;
}

async function settled(scene: Scene, places: readonly Place[], before: Traces): Promise<void> {
  const deadline = Date.now() + fadingMs;
  for (;;) {
    const now = await traces(scene, places);
    const left = Object.entries(now).filter(([kind, names]) => !isAmong(names, before[kind] ?? []));
    if (left.length === 0) return;
    if (Date.now() > deadline) assert.deepEqual(now, before);
    await sleep(100);
  }
}

function isAmong(names: readonly string[], before: readonly string[]): boolean {
  return names.every((name) => count(names, name) <= count(before, name));
}

function count(names: readonly string[], wanted: string): number {
  return names.filter((name) => name === wanted).length;
}

async function traces(scene: Scene, places: readonly Place[]): Promise<Traces> {
  const inside = await Promise.all(places.map(inPlace));
  return {
    bucket: inBucket(scene),
    sessions: (await scene.sshd.sessions()).map(String),
    "processes of the host": await processesBehind(scene.sshd.port),
    "files of the host": await temporaryFiles(),
    ...Object.fromEntries(inside.flatMap((traces) => Object.entries(traces))),
  };
}

function inBucket(scene: Scene): readonly string[] {
  return [...scene.s3.objects(bucket).map(({ key }) => key), ...uploads(scene)];
}

function uploads(scene: Scene): readonly string[] {
  return scene.s3.uploads(bucket).map(({ key, uploadId }) => `upload ${uploadId} of ${key}`);
}

async function inPlace({ container, directory }: Place): Promise<Traces> {
  const files = await container.exec(["ls", "-A", "/tmp", "/dev/shm", directory]);
  const processes = await container.processes();
  const log = await output(["sh", "-c", 'docker logs "$1" 2>&1', "sh", container.id]);
  return {
    // A server that is process 1 of its container crashes when it has to reap an orphan of ours.
    [`crashes of ${container.name}`]:
      log.match(/^.* (terminated by signal|exited with).*$/gm) ?? [],
    [`files of ${container.name}`]: files.split("\n"),
    // The server's own maintenance comes and goes.
    [`processes of ${container.name}`]: processes.filter(
      (args) => !/^postgres: (auto|parallel|logical)/.test(args),
    ),
  };
}

/** The processes of this machine that were started over SSH: sshd tells each of them where it listens. */
async function processesBehind(sshdPort: number): Promise<readonly string[]> {
  const sign = new RegExp(`(^|\\0)SSH_CONNECTION=[^\\0]* ${sshdPort}\\0`);
  const pids = (await readdir("/proc")).filter((name) => /^\d+$/.test(name));
  const found = await Promise.all(
    pids.map(async (pid) => {
      const environment = await readFile(`/proc/${pid}/environ`, "utf8").catch(() => "");
      if (!sign.test(environment)) return [];
      const args = await readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => "");
      return [`${pid} ${args.replaceAll("\0", " ").slice(0, 300)}`];
    }),
  );
  return found.flat();
}

/** What dumps put where temporary files belong, unless it is somebody else's at this moment. */
async function temporaryFiles(): Promise<readonly string[]> {
  const names = await Promise.all(["/tmp", "/dev/shm"].map((directory) => readdir(directory)));
  return names.flat().filter((name) => /^holdfast\.\w{6}$|^\.holdfast-sqlite-/.test(name));
}
