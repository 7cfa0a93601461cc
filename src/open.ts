import { type Container, findContainer } from "./host/container.ts";
import type { Host } from "./host/host.ts";
import { connectSsh } from "./host/ssh.ts";
import { findRunning } from "./host/stopping.ts";
import type { BackupInputs, Inputs, RestoreInputs } from "./inputs.ts";
import type { Origin } from "./operation/proof.ts";
import { silenceMs } from "./operation/stall.ts";
import type { Stopping } from "./operation/swap.ts";
import type { Report } from "./report/report.ts";
import type { Whereabouts } from "./source.ts";
import { webIdentity } from "./storage/credentials.ts";
import { type S3Options, s3 } from "./storage/s3.ts";

/** What a store needs to know of GitHub's runner. */
export interface Identity {
  /** A new OIDC token of the job. */
  readonly identityToken: (audience: string) => Promise<string>;
  /** Tells the post step what it has to remove if this process cannot. */
  readonly onUpload: S3Options["onUpload"];
}

export function openStorage(
  { bucket, role }: Pick<Inputs, "bucket" | "role">,
  { identityToken, onUpload }: Identity,
  signal: AbortSignal,
): ReturnType<typeof s3> {
  const { region } = bucket;
  const credentials =
    role &&
    webIdentity({
      roleArn: role.arn,
      sessionName: role.sessionName ?? `holdfast-${process.env["GITHUB_RUN_ID"] ?? "run"}`,
      durationSeconds: role.durationSeconds,
      region,
      identityToken,
    });
  return s3({ ...bucket, credentials, signal, onUpload });
}

/** Connects to the machine of a database. */
export function openMachine(
  { access, stallMs }: BackupInputs | RestoreInputs,
  signal: AbortSignal,
): Promise<Host & AsyncDisposable> {
  return connectSsh(access, { silenceMs: silenceMs(stallMs), signal });
}

/** The machine, and the container on it that the inputs name. */
export async function findWhereabouts(
  { docker, container }: BackupInputs | RestoreInputs,
  machine: Host,
): Promise<Whereabouts> {
  return { machine, container: container && (await findContainer(machine, docker, container)) };
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
