import { type Container, findContainer } from "./host/container.ts";
import type { Host } from "./host/host.ts";
import { connectSsh } from "./host/ssh.ts";
import { findRunning } from "./host/stopping.ts";
import {
  type BackupInputs,
  demanded,
  type Inputs,
  type RestoreInputs,
  type RoleInputs,
} from "./inputs.ts";
import type { Origin } from "./operation/proof.ts";
import { silenceMs } from "./operation/stall.ts";
import type { Stopping } from "./operation/swap.ts";
import type { Report } from "./report/report.ts";
import type { Whereabouts } from "./source.ts";
import { type SessionProvider, type WebIdentity, webIdentity } from "./storage/credentials.ts";
import type { S3Options } from "./storage/s3.ts";
import type { Storage } from "./storage/storage.ts";

/** What a store needs to know of GitHub's runner. */
export interface Identity {
  /** The sessions of a role that the job may assume. */
  readonly sessions: Sessions;
  /** Tells the post step what it has to remove if this process cannot. */
  readonly onUpload: S3Options["onUpload"];
}

type Sessions = (role: RoleInputs, region: string | undefined) => SessionProvider;

/**
 * Lets all that work under a role share its sessions.
 *
 * @param identityToken gives a new OIDC token of the job
 */
export function sharedSessions(identityToken: WebIdentity["identityToken"]): Sessions {
  const known = new Map<string, SessionProvider>();
  return ({ arn, sessionName, durationSeconds }, region) => {
    const name = sessionName ?? `holdfast-${process.env["GITHUB_RUN_ID"] ?? "run"}`;
    const identity = { roleArn: arn, sessionName: name, durationSeconds, region, identityToken };
    const provider = known.get(arn) ?? webIdentity(identity);
    known.set(arn, provider);
    return provider;
  };
}

type StoreInputs = Pick<Inputs, "bucket" | "role" | "stallMs">;

/** The SDK takes 60 ms to be read. A run does that when it comes to its bucket, best while it waits for something else. */
export async function openStorage(
  inputs: StoreInputs,
  identity: Identity,
  signal: AbortSignal,
): Promise<Storage & AsyncDisposable> {
  const options = storeOptions(inputs, identity, signal);
  const { s3 } = await import("./storage/s3.ts");
  return s3(options);
}

/** How the store is reached, and as whom. @throws InputError when nothing says which one */
export function storeOptions(
  { bucket, role, stallMs }: StoreInputs,
  { sessions, onUpload }: Identity,
  signal: AbortSignal,
): S3Options {
  const place = demanded(bucket);
  const credentials = role && sessions(role, place.region);
  return { ...place, credentials, stallMs, signal, onUpload };
}

/** Connects to the machine of a database. */
export function openMachine(
  { access, stallMs }: Pick<BackupInputs, "access" | "stallMs">,
  signal: AbortSignal,
): Promise<Host & AsyncDisposable> {
  return connectSsh(access, { silenceMs: silenceMs(stallMs), signal });
}

/** The machine, and the container on it that the inputs name. A file can be restored while nothing that uses it runs. */
export async function findWhereabouts(
  { operation, docker, container, source }: BackupInputs | RestoreInputs,
  machine: Host,
): Promise<Whereabouts> {
  if (!container) return { machine, container };
  const may = operation === "restore" && source.engine === "sqlite" ? "be stopped" : undefined;
  return { machine, container: await findContainer(machine, docker, container, may) };
}

/** What a manifest tells of a container. */
export function identityOf(container: Container | undefined): Origin["container"] {
  if (!container) return null;
  const { name, id, image, imageDigest } = container.details;
  return { name, id, image, imageDigest };
}

/** What is stopped while databases are swapped. */
export async function findStopping(
  { docker, stopped, stallMs }: RestoreInputs,
  machine: Host,
  report: Report,
): Promise<Stopping> {
  const engine = { machine, docker };
  return { engine, containers: await findRunning(engine, stopped), stallMs, report };
}
