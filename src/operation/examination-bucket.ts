import { under } from "../backup/key.ts";
import type { Manifest } from "../backup/manifest.ts";
import { StorageError } from "../errors.ts";
import type { DoctorInputs } from "../inputs.ts";
import { ageText, bytesText, durationText, timeText } from "../report/quantities.ts";
import type { BucketExamination } from "../storage/examination.ts";
import type { Storage } from "../storage/storage.ts";
import { compareClocks } from "./examination-clock.ts";
import type { Probe } from "./examination-probe.ts";
import { type Examination, ladder } from "./examination.ts";

/** The bucket. Each function opens what it gives when it is first called. */
export interface BucketRooms {
  /** The address that the inputs name. @throws InputError */
  readonly address: () => string;
  /** Assumes the role, and tells when its session ends. */
  readonly assume: () => Promise<Date>;
  readonly open: () => Promise<OpenBucket>;
  /** The manifest of the newest proven backup. @throws InputError when there is none */
  readonly newest: () => Promise<Manifest>;
}

export interface OpenBucket {
  readonly storage: Storage;
  readonly bucket: BucketExamination;
  readonly probe: Probe;
}

/** What storing and reading backups needs. */
export function bucketExaminations(
  { naming, role, database }: DoctorInputs,
  rooms: BucketRooms,
): readonly Examination[] {
  const prefix = under(naming, "");
  const named = database === undefined ? "Database" : "Database inputs";
  return [
    { name: "Bucket inputs", needs: [], weight: "must", look: async () => rooms.address() },
    ...(role ? ladder(rooms.assume, ["Bucket inputs"], roleRungs) : []),
    ...lines.map(([weight, name, needs, look]): Examination => {
      return { name, needs, weight, look: async () => look(await rooms.open(), prefix) };
    }),
    {
      name: "Newest backup",
      needs: ["List", named],
      weight: "should",
      look: async () => newestText(await rooms.newest()),
    },
  ];
}

const roleRungs: Parameters<typeof ladder<Date>>[2] = [
  { name: "OIDC token", step: undefined, found: () => "the job gets one" },
  {
    name: "Role",
    step: "role",
    found: (ends) => `assumed, for ${durationText(Number(ends) - Date.now())} at a time`,
  },
];

/** @param prefix of all keys */
type Look = (open: OpenBucket, prefix: string) => Promise<string>;

const lines: readonly (readonly [Examination["weight"], string, readonly string[], Look])[] = [
  ["must", "Bucket", ["Bucket inputs", "OIDC token", "Role"], answer],
  ["must", "List", ["Bucket"], list],
  ["must", "Put", ["Bucket"], put],
  ["must", "Get", ["Put"], get],
  ["must", "Encryption at rest", ["Get"], encryption],
  ["must", "Multipart upload", ["Bucket"], multipart],
  ["should", "Taken keys", ["Put"], refuseTaken],
  ["should", "Object versions", ["Put"], versions],
  ["should", "Store's clock", ["Get"], clock],
  // Last of all that needs the probe.
  ["must", "Delete", ["Put"], remove],
  ["should", "Unfinished uploads", ["Bucket"], unfinished],
  ["should", "Object Lock", ["Bucket"], retention],
];

async function answer({ bucket }: OpenBucket, prefix: string): Promise<string> {
  const region = await bucket.region(prefix);
  return region === undefined ? "answers" : `answers in ${region}`;
}

async function list({ storage }: OpenBucket, prefix: string): Promise<string> {
  for await (const { key } of storage.list(prefix)) return `the first key is ${key}`;
  return `nothing is under ${storage.uri(prefix)} yet`;
}

async function put({ storage, probe }: OpenBucket): Promise<string> {
  await probe.put();
  return storage.uri(probe.key);
}

async function get({ probe }: OpenBucket): Promise<string> {
  await probe.get();
  return "gives back what was put";
}

async function encryption({ bucket, probe }: OpenBucket): Promise<string> {
  return (await bucket.encryption(probe.key)) ?? "the store tells nothing of it";
}

async function multipart({ bucket, probe }: OpenBucket): Promise<string> {
  await bucket.multipart(probe.key);
  return "begun and ended";
}

async function refuseTaken({ storage, bucket, probe }: OpenBucket): Promise<string> {
  const replaced = await bucket.overwrite(probe.key);
  if (!replaced) return "are refused";
  probe.replaced(replaced);
  throw new StorageError(`the store overwrote ${storage.uri(probe.key)}, which was taken`, {
    hint: "It does not heed If-None-Match: give the workflow a `concurrency` group, so that no two runs share a key.",
  });
}

async function versions({ probe }: OpenBucket): Promise<string> {
  if (probe.isVersioned) return "are kept";
  throw new StorageError("the bucket keeps no versions of objects", {
    hint: "Switch versioning on: what somebody deletes or overwrites can then be brought back.",
  });
}

async function clock({ probe }: OpenBucket): Promise<string> {
  if (!probe.fetched) throw new Error("the probe is fetched before its time is looked at");
  return compareClocks("the store", probe.fetched.modified, probe.moment);
}

async function remove({ probe }: OpenBucket): Promise<string> {
  const keptUntil = probe.fetched?.keptUntil;
  if (!keptUntil) {
    await probe.remove();
    return "the probe is gone";
  }
  await probe.hide();
  return `Object Lock keeps the probe, a few bytes, until ${timeText(keptUntil)}`;
}

async function unfinished({ bucket }: OpenBucket, prefix: string): Promise<string> {
  return `a lifecycle rule ends them after ${await bucket.unfinishedDays(prefix)} days`;
}

async function retention({ bucket }: OpenBucket): Promise<string> {
  const kept = await bucket.retention();
  return kept === undefined ? "keeps nothing by itself" : `keeps every object, ${kept}`;
}

function newestText({ key, bytes, created }: Manifest): string {
  return `${ageText(new Date(created), new Date())}, ${bytesText(bytes)}, ${key}`;
}
