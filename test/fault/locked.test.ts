import { after, test } from "node:test";
import { assertFailed, openScene } from "../operation/scene.ts";
import { startContainer } from "../servers/docker.ts";
import { image } from "../servers/images.ts";
import { until } from "./hold.ts";
import { leavingNothing } from "./traces.ts";

const servers = new AsyncDisposableStack();
after(() => servers.disposeAsync());
const scene = servers.use(await openScene());
const box = servers.use(
  await startContainer({ image: image("sqlite"), name: "app", tmpfs: ["/data"] }),
);
const path = "/data/app.db";
const places = [{ container: box, directory: "/data" }];
const inputs = { engine: "sqlite", container: box.name, database: path };
await box.exec(["sqlite3", path], "CREATE TABLE t (n)");

/** Does something while somebody keeps the database locked. */
async function whileLocked<T>(act: () => Promise<T>): Promise<T> {
  await box.exec(["rm", "-f", "/data/locked", "/data/enough"]);
  const locker = box.exec(
    ["sqlite3", path],
    "BEGIN EXCLUSIVE;\n.shell touch /data/locked; until [ -e /data/enough ]; do sleep 0.1; done\n",
  );
  await until(async () => (await box.exec(["ls", "/data"])).includes("locked"));
  const done = await act();
  await box.exec(["touch", "/data/enough"]);
  await locker;
  return done;
}

test("a backup that waits for a locked SQLite database leaves nothing when it is cancelled", async () => {
  await whileLocked(async () => {
    const outcome = await leavingNothing(scene, places, async () => {
      await using step = scene.start(inputs);
      const waiting = async () => (await box.processes()).some((args) => /\.timeout/.test(args));
      await Promise.race([until(waiting), step.outcome]);
      step.kill("SIGINT");
      return await step.outcome;
    });
    assertFailed(outcome, /the run was cancelled by SIGINT/);
  });
});

// In a file of its own, since a backup waits for half a minute for such a database.
test("a SQLite database that somebody keeps locked fails the backup", async () => {
  const outcome = await whileLocked(() => leavingNothing(scene, places, () => scene.act(inputs)));
  assertFailed(outcome, /app\.db.* locked.*exclusive lock/s);
});
