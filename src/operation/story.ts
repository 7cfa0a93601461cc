import type { Manifest } from "../backup/manifest.ts";
import type { Facts } from "../host/stage.ts";
import { bytesText, durationText, rateText } from "../report/quantities.ts";
import type { BackupPlan } from "../report/summary.ts";
import type { Storage } from "../storage/storage.ts";
import type { Plan } from "./plan.ts";

/** The lines in which the log tells a plan. */
export function planLines(plan: Plan, storage: Storage): readonly string[] {
  const { engine, database } = plan;
  const { server, tool } = database.versions;
  return [
    `${engine} database ${database.name}, ${bytesText(database.bytes)}, server ${server}, dumped by ${tool}`,
    ...chainOf(plan).map((link) => `  ${link}`),
    `  to ${storage.uri(plan.key)}`,
  ];
}

/** The plan as a dry run's summary shows it. */
export function planStory(plan: Plan, storage: Storage): BackupPlan {
  const { engine, database, key, stages, earlier } = plan;
  const host = stages[0].host.name;
  return { engine, database, host, chain: chainOf(plan), uri: storage.uri(key), earlier };
}

/** Every link from the database to the bucket, in order. */
function chainOf({ stages, codecs }: Plan): readonly string[] {
  return [
    ...stages.map(({ name, host }) => `${name} in ${host.name}`),
    ...codecs.map(({ name }) => `${name} on the runner`),
  ];
}

/** What the dump's own look at the copy found; only SQLite's has one. */
export function checkLines(facts: Facts): readonly string[] {
  return (facts.get("quick_check") ?? []).map((verdict) => `quick_check of the copy: ${verdict}`);
}

export function resultLine({ bytes, durationSeconds, sha256 }: Manifest, uri: string): string {
  const durationMs = durationSeconds * 1_000;
  const pace = `${durationText(durationMs)}, ${rateText(bytes, durationMs)}`;
  return `Stored ${bytesText(bytes)} in ${pace} as ${uri}, SHA-256 ${sha256}`;
}
