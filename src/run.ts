import { setTimeout as sleep } from "node:timers/promises";
import { openEngine } from "./source.ts";
import { CancelledError, ConnectionError, HoldfastError } from "./errors.ts";
import { type Container, findContainer } from "./host/container.ts";
import { connectSsh } from "./host/ssh.ts";
import type { BackupInputs, Inputs } from "./inputs.ts";
import { backup } from "./operation/backup.ts";
import { list } from "./operation/list.ts";
import type { Origin } from "./operation/proof.ts";
import { silenceMs } from "./operation/stall.ts";
import type { Report } from "./report/report.ts";
import { webIdentity } from "./storage/credentials.ts";
import { type S3Options, s3 } from "./storage/s3.ts";

/** What GitHub's runner is to a run. */
export interface Runner {
  readonly report: Report;
  readonly mask: (secret: string) => void;
  /** A new OIDC token of the job. */
  readonly identityToken: (audience: string) => Promise<string>;
  /** Tells the post step of an upload that it has to end if this process cannot. */
  readonly onUpload: S3Options["onUpload"];
  readonly origin: Omit<Origin, "container">;
  /** Fires when the job is cancelled. */
  readonly cancelled: AbortSignal;
}

/** Runs the operation that the inputs ask for. */
export async function run(inputs: Inputs, runner: Runner): Promise<void> {
  const signal = withTimeout(runner.cancelled, inputs.timeoutMs);
  try {
    await operate(inputs, runner, signal);
  } catch (thrown) {
    // Being told to stop breaks streams in many ways; the reader wants the reason.
    throw signal.aborted && !(thrown instanceof HoldfastError) ? signal.reason : thrown;
  }
}

async function operate(inputs: Inputs, runner: Runner, signal: AbortSignal): Promise<void> {
  switch (inputs.operation) {
    case "backup":
      return await persistently(inputs.retries, runner.report, signal, () =>
        runBackup(inputs, runner, signal),
      );
    case "list": {
      await using storage = openStorage(inputs, runner, signal);
      return await list(inputs, storage, runner.report);
    }
  }
}

async function runBackup(inputs: BackupInputs, runner: Runner, signal: AbortSignal): Promise<void> {
  const { report, mask, origin } = runner;
  await using storage = openStorage(inputs, runner, signal);
  await using machine = await connectSsh(inputs.access, {
    silenceMs: silenceMs(inputs.stallMs),
    signal,
  });
  const container =
    inputs.container && (await findContainer(machine, inputs.docker, inputs.container));
  const engine = await openEngine(inputs, { machine, container }, mask);
  const rooms = { engine, storage, report, signal };
  await backup(inputs, rooms, { ...origin, container: identityOf(container) });
}

function identityOf(container: Container | undefined): Origin["container"] {
  if (!container) return null;
  const { name, id, image, imageDigest } = container.details;
  return { name, id, image, imageDigest };
}

export function openStorage(
  { bucket, role }: Pick<Inputs, "bucket" | "role">,
  { identityToken, onUpload }: Pick<Runner, "identityToken" | "onUpload">,
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

/** Begins again after a connection fault that may pass, from the start: half a dump is worth nothing. */
async function persistently(
  retries: number,
  report: Report,
  signal: AbortSignal,
  attempt: () => Promise<void>,
): Promise<void> {
  for (let left = retries; ; left--) {
    try {
      return await attempt();
    } catch (error) {
      if (left === 0 || signal.aborted || !mayPass(error)) throw error;
      report.warning(`${(error as Error).message}; trying again, ${left} left`, {
        title: "Connection failed",
      });
      await sleep(3_000, undefined, { signal });
    }
  }
}

function mayPass(error: unknown): error is ConnectionError {
  return error instanceof ConnectionError && error.transient;
}

function withTimeout(cancelled: AbortSignal, timeoutMs: number | undefined): AbortSignal {
  if (timeoutMs === undefined) return cancelled;
  const timeout = new AbortController();
  const reason = new CancelledError(`the run took longer than ${timeoutMs / 60_000} minutes`, {
    hint: "Raise timeout-minutes if that is normal for this database.",
  });
  setTimeout(() => timeout.abort(reason), timeoutMs).unref();
  return AbortSignal.any([cancelled, timeout.signal]);
}
