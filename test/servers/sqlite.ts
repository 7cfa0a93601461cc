import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { createVolume, startContainer, type TestContainer } from "./docker.ts";
import { image } from "./images.ts";

export interface TestSqlite extends TestContainer {
  /** The named volume that holds the database. */
  readonly volume: string;
  /** The database's path in the container. */
  readonly path: string;
  /** Runs SQL beside the writer, and gives rows with `|` between columns. */
  sql(text: string): Promise<string>;
  /** Starts inserting rows 1, 2, 3 … into the table `written`, a transaction each, until disposed. */
  startWriter(): Promise<Writer>;
}

export interface Writer extends AsyncDisposable {
  /** The last row whose COMMIT is known to have returned: it and all before it are committed. */
  committed(): number;
}

interface SqliteOptions {
  /** `image("sqlite")` by default. In one without the sqlite3 command, `sql` still works. */
  readonly image?: string;
  /** Of the file in the volume. */
  readonly file?: string;
}

/** Starts a container with a database in WAL mode at `/data/FILE`, in a named volume. */
export async function startSqlite(options: SqliteOptions = {}): Promise<TestSqlite> {
  await using stack = new AsyncDisposableStack();
  const volume = stack.use(await createVolume("instance"));
  const volumes = [`${volume.name}:/data`];
  const tool = stack.use(await startContainer({ image: image("sqlite"), name: "sqlite", volumes }));
  const container = options.image
    ? stack.use(await startContainer({ image: options.image, name: "app", volumes }))
    : tool;
  const path = `/data/${options.file ?? "app.db"}`;
  const sql = (text: string) =>
    tool.exec(["sqlite3", "-bail", "-cmd", ".timeout 30000", path], text);
  await sql("PRAGMA journal_mode = wal; CREATE TABLE written (id INTEGER PRIMARY KEY, body TEXT);");
  const started = stack.move();
  return {
    ...container,
    volume: volume.name,
    path,
    sql,
    startWriter: () => startWriter(volumes, path),
    [Symbol.asyncDispose]: () => started.disposeAsync(),
  };
}

// A number is printed once its COMMIT has returned. The process ends when its stdin does.
const writing = `
import os, select, sqlite3, sys
connection = sqlite3.connect(sys.argv[1], timeout=30, isolation_level=None)
row = 0
while not select.select([sys.stdin], [], [], 0.001)[0]:
    row += 1
    connection.execute("INSERT INTO written VALUES (?, ?)", (row, os.urandom(200).hex()))
    print(row, flush=True)
connection.close()
`;

async function startWriter(volumes: readonly string[], path: string): Promise<Writer> {
  const container = await startContainer({ image: image("python"), name: "writer", volumes });
  const argv = ["exec", "-i", container.id, "python3", "-c", writing, path];
  const child = spawn("docker", argv, { stdio: ["pipe", "pipe", "inherit"] });
  const exited = once(child, "exit");
  let committed = 0;
  const rows = createInterface(child.stdout).on("line", (row) => {
    committed = Number(row);
  });
  await Promise.race([once(rows, "line"), exited]);
  return {
    committed: () => committed,
    [Symbol.asyncDispose]: async () => {
      child.stdin.end();
      const [code] = await exited;
      await container[Symbol.asyncDispose]();
      if (code !== 0) throw new Error(`the writer ended with ${code}`);
    },
  };
}
