import { posix } from "node:path";
import { failingKey, type Named } from "../backup/failing.ts";
import { under } from "../backup/key.ts";
import { engineNames } from "../engine/engine.ts";
import { InputError } from "../errors.ts";
import { type BucketInputs, readBucket, readRegion, readRole, type RoleInputs } from "./bucket.ts";
import { optional, type Parse, type Read, refuse } from "./field.ts";
import { readPrefix } from "./naming.ts";
import { readOperation } from "./operation.ts";
import { matching, oneOf } from "./value.ts";

/** Whom a run tells how it ended, and all that is needed for it. */
export interface Telling extends Named {
  readonly operation: string;
  /** ARN of the SNS topic that hears of failures, and of the first success after them. */
  readonly topicArn: string | undefined;
  /** What is asked for after a success. A secret. */
  readonly heartbeatUrl: URL | undefined;
  readonly role: RoleInputs | undefined;
  readonly region: string | undefined;
  /** `s3://BUCKET/PREFIX` */
  readonly place: string | undefined;
  /** Where failures are remembered; undefined when the inputs do not say. */
  readonly mark: Mark | undefined;
}

interface Mark {
  readonly bucket: BucketInputs;
  readonly key: string;
}

/** Refuses what nobody could be told by. @throws InputError */
export function checkTelling(read: Read): void {
  readTopic(read);
  readHeartbeat(read);
}

function readTopic(read: Read): string | undefined {
  return optional(read, "sns-topic-arn", standardTopic);
}

function readHeartbeat(read: Read): URL | undefined {
  return optional(read, "heartbeat-url", secretUrl);
}

/** Amazon SNS API Reference, CreateTopic: names. A FIFO topic orders messages, and nobody's mail or telephone can subscribe to it. */
const standardTopic = matching(
  /^arn:aws[a-z-]*:sns:[a-z0-9-]+:\d{12}:[\w-]{1,256}$/,
  "the ARN of a standard SNS topic, arn:aws:sns:eu-central-1:123456789012:NAME",
);

const secretUrl: Parse<URL> = ({ name, text }) => {
  const url = URL.parse(text);
  const isUsable = url && /^https?:$/.test(url.protocol) && !url.username && !url.password;
  return isUsable ? url : refuse({ name, text: "***" }, "an http or https URL without a user");
};

/**
 * However little of the inputs can be used, since a run whose inputs are refused has failed too. Undefined when nobody is to be told,
 * and for a dry run, which neither proves nor changes anything.
 */
export function readTelling(read: Read): Telling | undefined {
  const operation = read("operation").trim() || "backup";
  const credentials = ifUsable(() => ({ role: readRole(read), region: readRegion(read) }));
  const topicArn = credentials && ifUsable(() => readTopic(read));
  const heartbeatUrl = ifUsable(() => readHeartbeat(read));
  if (isDry(read, operation) || (!topicArn && !heartbeatUrl)) return undefined;
  const bucket = ifUsable(() => readBucket(read));
  return {
    operation,
    ...readNamed(read),
    topicArn,
    heartbeatUrl,
    role: credentials?.role,
    region: credentials?.region,
    place: bucket && ifUsable(() => placeOf(bucket, read)),
    mark: bucket && ifUsable(() => readMark(read, bucket)),
  };
}

/** Those that only look at what is there know no dry run. */
function isDry(read: Read, operation: string): boolean {
  return !["list", "check"].includes(operation) && /^true$/i.test(read("dry-run").trim());
}

function readNamed(read: Read): Named {
  const told = (name: string) => read(name).trim() || undefined;
  const engine = engineNames.find((name) => name === told("engine"));
  const database = told("database");
  const isFile = engine === "sqlite" && database !== undefined;
  return { engine, database: isFile ? posix.parse(database).name : database };
}

function placeOf({ bucket }: BucketInputs, read: Read): string {
  return `s3://${bucket}/${under({ prefix: readPrefix(read) }, "")}`.replace(/\/$/, "");
}

/** @throws InputError when this is not what a run with sound inputs would read */
function readMark(read: Read, bucket: BucketInputs): Mark {
  readOperation(read);
  optional(read, "engine", oneOf(engineNames));
  // The mark is small and soon replaced: nothing that a class for seldom used objects is meant for.
  const lying = { ...bucket, storageClass: undefined };
  return { bucket: lying, key: failingKey({ prefix: readPrefix(read) }, readNamed(read)) };
}

function ifUsable<T>(reading: () => T): T | undefined {
  try {
    return reading();
  } catch (error) {
    if (error instanceof InputError) return undefined;
    throw error;
  }
}
