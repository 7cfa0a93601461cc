import type { Promoted, Staged, Wanted } from "../restorer.ts";
import type { Ground } from "./restore-ground.ts";
import { type Tag, taggedPath } from "./restore-name.ts";
import { dressOf, ownerOf } from "./restore-site.ts";
import { plainSwap, refuseUsed, removeFile, type Swap, swapFiles } from "./restore-swap.ts";
import { checkLive, verifyCopy } from "./restore-verify.ts";

/** One restore under way. */
export interface Errand {
  readonly wanted: Wanted;
  /** What its files are called by. */
  readonly stamp: string;
  /** Of the lock that it holds. */
  readonly token: string;
}

/** The copy that was staged under the errand's stamp. */
export function stagedCopy(ground: Ground, { wanted, stamp, token }: Errand): Staged {
  const { bench, hand } = ground;
  const { manifest } = wanted;
  const tag: Tag = `restoring-${stamp}`;
  const dress = dressOf(manifest);
  let promoted = false;
  return {
    name: taggedPath(bench.path, tag),
    verify: () => verifyCopy(bench, tag, journalFor(ground, dress.journalMode), manifest?.rows),
    async promote() {
      const done = await promote(ground, wanted, {
        source: tag,
        kept: `before_${stamp}`,
        token,
        absent: bench.live === undefined,
        owner: ownerOf(dress),
        mode: dress.fileMode ?? "",
        fold: true,
      });
      promoted = true;
      return done;
    },
    async [Symbol.asyncDispose]() {
      // What cannot be removed now goes with the lock, or by the next run.
      if (!promoted) await removeFile(hand, tag).catch(() => {});
    },
  };
}

/** Puts a kept database back. */
export function promoteKept(
  ground: Ground,
  { wanted, stamp, token }: Errand,
  keptStamp: string,
): Promise<Promoted> {
  const source: Tag = `before_${keptStamp}`;
  return promote(ground, wanted, {
    ...plainSwap,
    source,
    kept: `before_${stamp}`,
    token,
    fold: true,
  });
}

/** As the live database has it; as the lost one had it when there is none. */
function journalFor({ bench }: Ground, lost: string | undefined): "wal" | "delete" | undefined {
  if (bench.live) return bench.journal;
  return lost === undefined ? undefined : lost === "wal" ? "wal" : "delete";
}

async function promote(ground: Ground, wanted: Wanted, swap: Swap): Promise<Promoted> {
  const { bench, hand, seen } = ground;
  for (const other of seen)
    if (other !== hand && other.place.stays && other.live) await refuseUsed(other);
  const began = performance.now();
  const hasKept = await swapFiles(hand, swap);
  const unavailableMs = performance.now() - began;
  const kept = hasKept ? swap.kept : undefined;
  const isUndo = swap.source?.startsWith("before_");
  return {
    live: bench.path,
    previous: kept && wanted.keepPrevious ? taggedPath(bench.path, kept) : undefined,
    unavailableMs,
    check: () => checkLive(bench),
    async rollBack() {
      // What an undo has made live stays kept, so that it can be tried again.
      const back = { ...plainSwap, source: kept, kept: isUndo ? swap.source : undefined };
      await swapFiles(hand, { ...back, fold: false });
    },
    async settle() {
      if (kept && !wanted.keepPrevious) await removeFile(hand, kept);
    },
  };
}
