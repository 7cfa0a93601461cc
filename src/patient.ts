import { posix } from "node:path";
import { under } from "./backup/key.ts";
import { hostCopy } from "./host-copy/host-copy.ts";
import { findContainer } from "./host/container.ts";
import { isRunning } from "./host/container-choice.ts";
import { listContainers } from "./host/docker.ts";
import { fingerprint } from "./host/host-key.ts";
import { parseKnownHosts } from "./host/known-hosts.ts";
import { readPrivateKey } from "./host/private-key.ts";
import { findRunning } from "./host/stopping.ts";
import { demanded, type DoctorInputs } from "./inputs.ts";
import { type Identity, openMachine, openStorage, storeOptions } from "./open.ts";
import { doctor, type Patient } from "./operation/doctor.ts";
import type { OpenBucket } from "./operation/examination-bucket.ts";
import { Probe } from "./operation/examination-probe.ts";
import { newestBackup } from "./operation/newest.ts";
import type { Report } from "./report/report.ts";
import { openEngine, openRestorer, type Whereabouts } from "./source.ts";

/** What a doctor needs of GitHub's runner. */
interface Surroundings extends Identity {
  readonly report: Report;
  readonly mask: (secret: string) => void;
}

export async function runDoctor(
  inputs: DoctorInputs,
  runner: Surroundings,
  signal: AbortSignal,
): Promise<void> {
  await using patient = openPatient(inputs, runner, signal);
  await doctor(inputs, patient, runner.report, signal);
}

/** What a doctor looks at. Each part is opened when it is first asked for; disposing closes them all. */
function openPatient(
  inputs: DoctorInputs,
  runner: Surroundings,
  signal: AbortSignal,
): Patient & AsyncDisposable {
  const opened = new AsyncDisposableStack();
  const host = openHost(inputs, opened, signal);
  const database = openDatabase(inputs, host.where, runner);
  return {
    host,
    database,
    bucket: openBucket(inputs, runner, database.database, opened, signal),
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  };
}

/** Does something when it is first asked for, and never again. */
function once<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined;
  return () => (made ??= make());
}

function openHost(inputs: DoctorInputs, opened: AsyncDisposableStack, signal: AbortSignal) {
  const { docker, container: choice, hostCopy: copies, stallMs } = inputs;
  const access = () => demanded(inputs.access);
  const machine = once(async () =>
    opened.use(await openMachine({ access: access(), stallMs }, signal)),
  );
  const where = once(async (): Promise<Whereabouts> => {
    const outer = await machine();
    return { machine: outer, container: choice && (await findContainer(outer, docker, choice)) };
  });
  return {
    address() {
      const { user, host, port, jump } = access();
      return `${user}@${host}:${port}${jump ? `, through ${jump.user}@${jump.host}:${jump.port}` : ""}`;
    },
    key() {
      const { privateKey, passphrase } = access();
      const key = readPrivateKey(privateKey, passphrase);
      return `${key.type} ${fingerprint(key.getPublicSSH())}`;
    },
    pins: () => `${parseKnownHosts(access().knownHosts).length} in ssh-known-hosts`,
    machine,
    async copies() {
      if (!copies) throw new Error("nobody has asked for copies on the host");
      // Of whatever database: the directory alone is looked at.
      const any = { database: "any", engine: "postgres", extension: "dump" } as const;
      const copied = { ...any, began: new Date(), likelyBytes: undefined };
      await using _ = await hostCopy(await machine(), copies, copied);
      return `can be written to ${copies.directory}`;
    },
    containers: async () => (await listContainers(await machine(), docker)).filter(isRunning),
    container: async () => (await where()).container,
    where,
  };
}

function openDatabase(
  inputs: DoctorInputs,
  where: () => Promise<Whereabouts>,
  { mask }: Surroundings,
) {
  const { docker, stopped } = inputs;
  const source = () => demanded(inputs.source);
  const engine = once(async () =>
    openEngine({ ...inputs, source: source() }, await where(), { mask, heedRestores: true }),
  );
  return {
    described: () => `${source().engine}, ${source().database ?? "named by its container"}`,
    engine,
    database: once(async () => (await engine()).inspect()),
    restorer: once(async () => {
      const place = await where();
      const running = await findRunning({ machine: place.machine, docker }, stopped);
      return openRestorer({ docker, source: source() }, place, running, mask);
    }),
  };
}

function openBucket(
  inputs: DoctorInputs,
  runner: Surroundings,
  database: Patient["database"]["database"],
  opened: AsyncDisposableStack,
  signal: AbortSignal,
): Patient["bucket"] {
  const { naming } = inputs;
  const options = once(async () => storeOptions(inputs, runner, signal));
  const open = once(async (): Promise<OpenBucket> => {
    const storage = opened.use(await openStorage(inputs, runner, signal));
    const { examination } = await import("./storage/examination.ts");
    return {
      storage,
      bucket: opened.use(examination(await options())),
      probe: opened.use(new Probe(storage, under(naming, ""))),
    };
  });
  return {
    address: () => `s3://${posix.join(demanded(inputs.bucket).bucket, under(naming, ""))}`,
    async assume() {
      const session = await (await options()).credentials?.();
      if (!session) throw new Error("a role was examined that nobody asked for");
      return session.expiration;
    },
    open,
    newest: once(async () => {
      const { engine } = demanded(inputs.source);
      const name = inputs.database ?? (await database()).name;
      const { storage } = await open();
      return (await newestBackup(storage, naming, { database: name, engine })).manifest;
    }),
  };
}
