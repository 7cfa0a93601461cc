import { InputError } from "../../errors.ts";
import type { Restorer } from "../restorer.ts";
import type { SqlitePlace } from "./place.ts";
import type { Ground } from "./restore-ground.ts";
import { type FileLock, lockFile } from "./restore-lock.ts";
import { freeStamp } from "./restore-name.ts";
import { promoteKept, stagedCopy } from "./restore-promote.ts";
import { explore, siteOf, type Target } from "./restore-site.ts";
import { stageCopy } from "./restore-stage.ts";

export type { OwnContainer } from "./restore-site.ts";

export type SqliteRestoreOptions = Omit<Target, "places">;

/**
 * Restores one SQLite database file. A copy is staged beside it, in the same directory, so that it takes its place by a
 * rename; what was live keeps its data under a second name.
 *
 * @param places where the file can be reached while everything runs, best first
 */
export function sqliteRestorer(
  places: readonly [SqlitePlace, ...SqlitePlace[]],
  options: SqliteRestoreOptions,
): Restorer {
  const target = { places, ...options };
  let ground: Ground | undefined;
  let lock: FileLock | undefined;
  const prepared = () => {
    if (!ground || !lock) throw new Error("a restore surveys its place and locks it first");
    return { ground, token: lock.token };
  };
  return {
    name: "sqlite",
    get host() {
      return (ground?.bench.place ?? places[0]).host;
    },
    async survey(wanted) {
      ground = await explore(target, wanted);
      return siteOf(ground, target, wanted);
    },
    async lock() {
      if (!ground) throw new Error("a restore surveys its place first");
      lock = await lockFile(ground.hand.place);
      return lock;
    },
    async stage({ wanted }, dump) {
      const { ground, token } = prepared();
      const stamp = freeStamp(ground.bench.kept);
      await stageCopy(ground.bench, `restoring-${stamp}`, token, dump);
      return stagedCopy(ground, { wanted, stamp, token });
    },
    async undo({ wanted }) {
      const { ground, token } = prepared();
      const [newest] = ground.bench.kept;
      if (newest === undefined) throw nothingKept(ground.bench.path);
      const stamp = freeStamp(ground.bench.kept);
      return promoteKept(ground, { wanted, stamp, token }, newest);
    },
  };
}

function nothingKept(path: string): InputError {
  return new InputError(`nothing was kept that could be put back as ${path}`, {
    hint: "A restore keeps what it replaces unless `keep-previous` is false. Restore a backup instead.",
  });
}
