import { test } from "node:test";
import { assertFailed, openScene } from "../operation/scene.ts";
import { startContainer } from "../servers/docker.ts";
import { image } from "../servers/images.ts";
import { until } from "./hold.ts";
import { leavingNothing } from "./traces.ts";

// In a file of its own, since a backup waits for half a minute for such a database.
test("a SQLite database that somebody keeps locked fails the backup", async () => {
  await using scene = await openScene();
  const tmpfs = ["/data"];
  await using box = await startContainer({ image: image("sqlite"), name: "app", tmpfs });
  const path = "/data/app.db";
  await box.exec(["sqlite3", path], "CREATE TABLE t (n)");
  const locker = box.exec(
    ["sqlite3", path],
    "BEGIN EXCLUSIVE;\n.shell touch /data/locked; until [ -e /data/enough ]; do sleep 0.1; done\n",
  );
  await until(async () => (await box.exec(["ls", "/data"])).includes("locked"));

  const outcome = await leavingNothing(scene, [{ container: box, directory: "/data" }], () =>
    scene.act({ engine: "sqlite", container: box.name, database: path }),
  );

  assertFailed(outcome, /app\.db.* locked.*exclusive lock/s);
  await box.exec(["touch", "/data/enough"]);
  await locker;
});
