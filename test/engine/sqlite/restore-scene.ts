import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Readable } from "node:stream";
import type { Manifest } from "../../../src/backup/manifest.ts";
import { type Engine, rowsFrom } from "../../../src/engine/engine.ts";
import type { Incoming, Promoted, Restorer, Wanted } from "../../../src/engine/restorer.ts";
import { sqliteRestorer } from "../../../src/engine/sqlite/restore.ts";
import { openFlow } from "../../../src/host/flow.ts";
import type { Host } from "../../../src/host/host.ts";
import { oneOffBeside } from "../../../src/host/one-off.ts";
import { aManifest } from "../../builders.ts";
import { createVolume, docker, startContainer, type TestContainer } from "../../servers/docker.ts";
import { image } from "../../servers/images.ts";
import { engineFor, make, table } from "./builders.ts";
import { type Directory, directory, here, inside } from "./places.ts";

export type Image = "sqlite" | "python" | "node" | "bare" | "busybox";

/** What swaps the files: this machine through the volume, a container made for it, or the container itself. */
export type Hand = "machine" | "one-off" | "container";

export interface Shop extends AsyncDisposable {
  readonly container: TestContainer;
  /** The database in the container, and on this machine. */
  readonly path: string;
  readonly file: string;
  readonly directory: string;
  restorer(hand?: Hand): Restorer;
  /** A container made anew for each command, with the database at the same path. */
  beside(machine: Host): Host;
  sql(text: string): Promise<string>;
  /** What is in the directory of the database, sorted. */
  names(): Promise<readonly string[]>;
  stop(): Promise<void>;
  start(): Promise<void>;
}

export interface Stored {
  readonly manifest: Manifest;
  readonly bytes: Buffer;
}

// Commits every few milliseconds, and leaves its write-ahead log behind when it is killed.
const application = `
import os, sqlite3, sys, time
connection = sqlite3.connect(sys.argv[1], timeout=30, isolation_level=None)
connection.execute("PRAGMA journal_mode = wal")
connection.execute("CREATE TABLE IF NOT EXISTS written (id INTEGER PRIMARY KEY, body TEXT)")
while True:
    connection.execute("INSERT INTO written (body) VALUES (?)", (os.urandom(100).hex(),))
    time.sleep(0.005)
`;

/** A container with a database in a named volume, made by `sql`; `writes` puts an application beside it. */
export async function openShop({
  of = "sqlite",
  name = "app.db",
  sql = "PRAGMA journal_mode = wal; CREATE TABLE items (id INTEGER PRIMARY KEY, name TEXT); INSERT INTO items (name) VALUES ('one'), ('two')",
  writes = false,
}: {
  readonly of?: Image;
  readonly name?: string;
  readonly sql?: string;
  readonly writes?: boolean;
} = {}): Promise<Shop> {
  await using stack = new AsyncDisposableStack();
  const volume = stack.use(await createVolume("shop"));
  const volumes = [`${volume.name}:/data`];
  const path = `/data/${name}`;
  const author = stack.use(await startContainer({ image: image("sqlite"), volumes }));
  const ask = (text: string) => author.exec(["sqlite3", "-cmd", ".timeout 9000", path], `${text};`);
  await ask(sql);
  const container = stack.use(
    await startContainer({ image: image(of), volumes, cmd: ["sleep", "infinity"] }),
  );
  const cmd = ["python3", "-c", application, path];
  const app =
    writes &&
    stack.use(await startContainer({ image: image("python"), name: "app", volumes, cmd }));
  const mountpoint = (
    await docker(["volume", "inspect", "--format", "{{.Mountpoint}}", volume.name])
  ).trim();
  const all = [container.id, ...(app ? [app.id] : [])];
  const { id } = container;
  const likeIt = { id, name: container.name, imageId: image(of) };
  const beside = (machine: Host) => oneOffBeside(machine, ["docker"], likeIt);
  const file = `${mountpoint}/${name}`;
  const opened = stack.move();
  return {
    container,
    beside,
    path,
    file,
    directory: mountpoint,
    restorer: (hand = "machine") => restorerOf({ container, path, file, beside }, hand),
    sql: ask,
    names: async () =>
      (await author.exec(["sh", "-c", "ls -A /data"])).split("\n").filter((line) => line !== ""),
    stop: async () => void (await docker(["stop", "--time=0", ...all])),
    start: async () => void (await docker(["start", ...all])),
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  };
}

function restorerOf(
  { container, path, file, beside }: Pick<Shop, "container" | "path" | "file" | "beside">,
  hand: Hand,
): Restorer {
  const machine = here();
  const own = { path, stops: hand !== "container", beside: beside(machine) };
  const within = { host: inside(container), path };
  const outside = { host: machine, path: file };
  return sqliteRestorer(hand === "machine" ? [within, outside] : [within], {
    database: path,
    container: own,
  });
}

/** Backs the database up from within its container. */
export async function backUp({ container, file }: Shop, from?: "machine"): Promise<Stored> {
  const engine =
    from === "machine"
      ? engineFor(here(), file)
      : engineFor(inside(container), file.replace(/^.*_data/, "/data"));
  return store(engine);
}

async function store(engine: Engine): Promise<Stored> {
  const database = await engine.inspect();
  await using flow = await openFlow([engine.dump(database)], 30_000);
  const bytes = Buffer.concat(await flow.stream.toArray());
  const { settings, versions } = database;
  const rows = [...rowsFrom(flow.facts)];
  const manifest = aManifest({
    engine: "sqlite",
    dumpBytes: bytes.length,
    settings,
    versions,
    rows,
  });
  return { manifest, bytes };
}

export function wantedOf(stored: Stored, overrides: Partial<Wanted> = {}): Wanted {
  return { manifest: stored.manifest, beside: undefined, keepPrevious: true, ...overrides };
}

export function incoming(bytes: Buffer, decoders: Incoming["decoders"] = []): Incoming {
  const chunks = [];
  for (let at = 0; at < bytes.length; at += 65_536) chunks.push(bytes.subarray(at, at + 65_536));
  return {
    stream: Readable.from(chunks, { objectMode: false }),
    decoders,
    kind: "sqlite",
    working() {},
  };
}

/** A database in a directory of this machine, with what backs it up and restores it there. */
export interface Desk extends Disposable {
  readonly dir: Directory;
  readonly file: string;
  readonly restorer: Restorer;
  backUp(): Promise<Stored>;
}

export function openDesk(host = here(), name = "app.db", ...sql: readonly string[]): Desk {
  const dir = directory();
  const file = make(join(dir.path, name), ...(sql.length > 0 ? sql : [table("items", 300)]));
  const options = { database: file, container: undefined };
  return {
    dir,
    file,
    restorer: sqliteRestorer([{ host, path: file }], options),
    backUp: () => store(engineFor(host, file)),
    [Symbol.dispose]: () => dir[Symbol.dispose](),
  };
}

/** Leaves the database as a killed program does: with a commit in its write-ahead log. */
export async function killWriter(file: string, sql: string): Promise<void> {
  const program = `
    const { DatabaseSync } = require("node:sqlite");
    const database = new DatabaseSync(process.argv[1]);
    database.exec(process.argv[2]);
    console.log("committed");
    setInterval(() => database, 1000);`;
  const child = spawn(process.execPath, ["--no-warnings", "-e", program, file, sql]);
  await once(child.stdout, "data");
  child.kill("SIGKILL");
  await once(child, "close");
}

/** Everything up to the check, as the operation does it. */
export async function bringBack(
  restorer: Restorer,
  { bytes }: Stored,
  wanted: Wanted,
  shop: Pick<Shop, "stop" | "start"> = { stop: async () => {}, start: async () => {} },
): Promise<Promoted> {
  const site = await restorer.survey(wanted);
  await using _lock = await restorer.lock(site);
  await using staged = await restorer.stage(site, incoming(bytes));
  await staged.verify();
  await shop.stop();
  const promoted = await staged.promote();
  await shop.start();
  await promoted.check();
  return promoted;
}

export function digest(file: string): string {
  return createHash("sha256").update(readFileSync(file)).digest("hex");
}
