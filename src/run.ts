import type { Manifest } from "./backup/manifest.ts";
import { HoldfastError } from "./errors.ts";
import type { BackupInputs, Inputs, RestoreInputs } from "./inputs.ts";
import {
  findStopping,
  findWhereabouts,
  type Identity,
  identityOf,
  openMachine,
  openStorage,
} from "./open.ts";
import { type Copied, hostCopy } from "./host-copy/host-copy.ts";
import type { Container } from "./host/container.ts";
import { entered, enteredOnce } from "./host/waiting.ts";
import { backup } from "./operation/backup.ts";
import { check } from "./operation/check.ts";
import { list } from "./operation/list.ts";
import type { Origin } from "./operation/proof.ts";
import { prune } from "./operation/prune.ts";
import { chosen } from "./operation/artifact.ts";
import { restore } from "./operation/restore.ts";
import { silenceMs } from "./operation/stall.ts";
import { runDoctor } from "./patient.ts";
import type { Measure } from "./report/measuring.ts";
import type { Report } from "./report/report.ts";
import { openEngine, openRestorer, type Whereabouts } from "./source.ts";
import type { Storage } from "./storage/storage.ts";
import { persistently, withTimeout } from "./trying.ts";

/** What GitHub's runner is to a run. */
export interface Runner extends Identity {
  readonly report: Report;
  readonly measure: Measure;
  readonly mask: (secret: string) => void;
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
    case "restore":
      return await runRestore(inputs, runner, signal);
    case "list": {
      await using storage = await openStorage(inputs, runner, signal);
      return await list(inputs, storage, runner.report);
    }
    case "check": {
      await using storage = await openStorage(inputs, runner, signal);
      return await check(inputs, { storage, report: runner.report, measure: runner.measure });
    }
    case "prune": {
      await using storage = await openStorage(inputs, runner, signal);
      return await prune(inputs, { storage, report: runner.report });
    }
    case "doctor":
      return await runDoctor(inputs, runner, signal);
  }
}

async function runBackup(inputs: BackupInputs, runner: Runner, signal: AbortSignal): Promise<void> {
  const { report, measure, mask, origin } = runner;
  await using machine = await openMachine(inputs, signal);
  const { container: found } = await findWhereabouts(inputs, machine);
  await using container = found && (await enteredOnce(found, silenceMs(inputs.stallMs)));
  // Meanwhile the container lets us in.
  await using storage = await openStorage(inputs, runner, signal);
  const where = { machine, container };
  const engine = await openEngine(inputs, where, { mask, heedRestores: true });
  const { hostCopy: options } = inputs;
  const copyOnHost = options && ((copied: Copied) => hostCopy(machine, options, copied));
  const rooms = { engine, storage, report, measure, copyOnHost, signal };
  await backup(inputs, rooms, { ...origin, container: identityOf(where.container) });
}

async function runRestore(
  inputs: RestoreInputs,
  runner: Runner,
  signal: AbortSignal,
): Promise<void> {
  const { report } = runner;
  await using storage = await openStorage(inputs, runner, signal);
  await using machine = await openMachine(inputs, signal);
  // While the machine is looked at; whether there is anything to restore is known before it is touched.
  const wanted = chosen(inputs, storage);
  wanted.catch(() => {});
  const { container: found } = await findWhereabouts(inputs, machine);
  await using ways = new AsyncDisposableStack();
  const container = found && enteredFor(inputs, found, ways);
  const where = { machine, container };
  const stopping = await findStopping(inputs, machine, report);
  const restorer = await openRestorer(inputs, where, stopping.containers, runner.mask);
  const backUpLive = () => backUpFirst(inputs, where, { ...runner, storage, signal });
  await restore(inputs, { wanted, restorer, storage, stopping, backUpLive, report, signal });
}

/** Enters as often as will be needed soon: no shell should wait through a backup. */
function enteredFor(
  { source, safety, stallMs }: RestoreInputs,
  container: Container,
  ways: AsyncDisposableStack,
): Container {
  // One that is stopped on the way, as one with a file is, must not be entered beforehand.
  if (source.engine === "sqlite") return container;
  const toLockAndDump = 2;
  const toLockCreateAndFill = 3;
  const times = safety ? toLockAndDump : toLockCreateAndFill;
  return ways.use(entered(container, times, silenceMs(stallMs)));
}

/** The backup of what a restore is about to replace: told in the log, but its outputs and figures are not the run's. */
async function backUpFirst(
  { safety }: RestoreInputs,
  where: Whereabouts,
  { report, mask, origin, storage, signal }: Runner & { storage: Storage; signal: AbortSignal },
): Promise<Manifest> {
  if (!safety) throw new Error("a safety backup was not asked for");
  const engine = await openEngine(safety, where, { mask, heedRestores: false });
  const quiet = { ...report, outputs: () => {}, summary: async () => {} };
  const container = identityOf(where.container);
  const manifest = await backup(
    safety,
    { engine, storage, report: quiet, measure: () => {}, copyOnHost: undefined, signal },
    { ...origin, container },
  );
  if (!manifest) throw new Error("a backup that is no dry run has a manifest");
  return manifest;
}
