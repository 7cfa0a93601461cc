import assert from "node:assert/strict";
import { statSync } from "node:fs";
import { after, before, describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { gzipSync } from "node:zlib";
import { hold } from "../fault/hold.ts";
import { docker, startContainer } from "../servers/docker.ts";
import { image } from "../servers/images.ts";
import { startSqlite, type TestSqlite } from "../servers/sqlite.ts";
import { assertFailed, bucket, openScene, type Scene } from "./scene.ts";

let scene: Scene;
before(async () => {
  scene = await openScene();
});
after(() => scene[Symbol.asyncDispose]());

/** Lets commands run as somebody who may use the container engine and nothing else; on such an account, as they are. */
async function openUnprivileged(): Promise<Scene> {
  const gid = statSync("/var/run/docker.sock").gid;
  const user = `setpriv --reuid=65534 --regid=65534 --groups=${gid}`;
  const config = [`ForceCommand exec ${user} sh -c "$SSH_ORIGINAL_COMMAND"`];
  return openScene(process.getuid?.() === 0 ? { sshd: { config } } : {});
}

async function openShop(): Promise<TestSqlite> {
  const sqlite = await startSqlite({ file: "shop.db" });
  await sqlite.sql("INSERT INTO written VALUES (1, 'one'), (2, 'two')");
  return sqlite;
}

function of(sqlite: TestSqlite) {
  return { engine: "sqlite", container: sqlite.name, database: sqlite.path };
}

function restoreOf(sqlite: TestSqlite) {
  const restore = { operation: "restore", confirm: "shop", "stop-containers": sqlite.name };
  return { ...of(sqlite), ...restore };
}

/** What the container's directory holds, but for the files that a running database has beside it. */
async function files(sqlite: TestSqlite): Promise<readonly string[]> {
  const names = await sqlite.exec(["ls", "-A", "/data"]);
  return names.split("\n").filter((name) => name !== "" && !/-(wal|shm)$/.test(name));
}

async function startedAt(sqlite: TestSqlite): Promise<string> {
  return docker(["inspect", "--format", "{{.State.StartedAt}} {{.State.Running}}", sqlite.name]);
}

describe("a restore of a SQLite database", () => {
  test("stops what uses it, swaps the files, starts it again, and is undone by one input", async () => {
    await using sqlite = await openShop();
    await scene.succeed({ ...of(sqlite), prefix: "swap" });
    await sqlite.sql("DELETE FROM written; INSERT INTO written VALUES (9, 'later')");
    const started = await startedAt(sqlite);

    const restored = await scene.succeed({ ...restoreOf(sqlite), prefix: "swap" });
    assert.equal(await sqlite.sql("SELECT body FROM written ORDER BY id"), "one\ntwo\n");
    assert.equal(await sqlite.sql("PRAGMA journal_mode"), "wal\n");
    const now = await startedAt(sqlite);
    assert.match(now, /true/);
    assert.notEqual(now, started);
    assert.match(restored.outputs["previous"] ?? "", /shop_before_\d{8}_\d{6}\.db$/);
    assert.match(restored.outputs["safety-backup-key"] ?? "", /^swap\/before-restore\//);

    await scene.succeed({ ...restoreOf(sqlite), prefix: "swap", backup: "previous" });
    assert.equal(await sqlite.sql("SELECT body FROM written ORDER BY id"), "later\n");
  });

  test("restores what the hourly script has stored", async () => {
    await using sqlite = await openShop();
    await sqlite.sql("PRAGMA wal_checkpoint(TRUNCATE)");
    const bytes = Buffer.from(await sqlite.exec(["sh", "-c", `base64 ${sqlite.path}`]), "base64");
    const key = "sqlite-backup/2024/01/shop_20240101_000000.db.gz";
    await scene.put(key, gzipSync(bytes));
    await sqlite.sql("DELETE FROM written");
    await scene.succeed({ ...restoreOf(sqlite), backup: key, prefix: "sqlite-backup" });
    assert.equal(await sqlite.sql("SELECT count(*) FROM written"), "2\n");
  });

  test("of an altered artifact leaves the file, its directory and its container alone", async () => {
    await using sqlite = await openShop();
    const { outputs } = await scene.succeed({ ...of(sqlite), prefix: "bad", compression: "none" });
    const key = outputs["key"] ?? "";
    const artifact = await scene.s3.read(bucket, key);
    artifact.writeUInt8(artifact.readUInt8(4_200) ^ 1, 4_200);
    await scene.put(key, artifact);
    const [there, started] = [await files(sqlite), await startedAt(sqlite)];
    const outcome = await scene.act({ ...restoreOf(sqlite), prefix: "bad", backup: key });
    assertFailed(outcome, /SHA-256/);
    assert.deepEqual(await files(sqlite), there);
    assert.equal(await startedAt(sqlite), started);
    assert.equal(await sqlite.sql("SELECT count(*) FROM written"), "2\n");
  });

  test("whose container does not come up again is rolled back", async () => {
    await using sqlite = await openShop();
    await scene.succeed({ ...of(sqlite), prefix: "roll" });
    await sqlite.sql("INSERT INTO written VALUES (3, 'three')");
    // An app that starts only with three rows, as one whose migrations are ahead of the backup.
    const guard = `sqlite3 ${sqlite.path} 'SELECT count(*) FROM written' | grep -qx 3 || exit 1; exec sleep infinity`;
    const image = (await docker(["inspect", "--format", "{{.Image}}", sqlite.name])).trim();
    const volume = `${sqlite.volume}:/data`;
    const run = ["run", "-d", "--stop-signal=SIGKILL", "-v", volume, image, "sh", "-c", guard];
    const app = (await docker(run)).trim();
    try {
      const both = `${sqlite.name}\n${app.slice(0, 12)}`;
      const inputs = { ...restoreOf(sqlite), prefix: "roll", "stop-containers": both };
      assertFailed(await scene.act(inputs), /taken back.*previous one is live again/s);
      assert.equal(await sqlite.sql("SELECT count(*) FROM written"), "3\n");
      const state = await docker(["inspect", "--format", "{{.State.Running}}", app]);
      assert.equal(state.trim(), "true");
    } finally {
      await docker(["rm", "-f", app]);
    }
  });

  test("whose container was stopped before is made beside it, and starts nothing", async () => {
    await using sqlite = await startSqlite({ file: "shop.db", image: image("python") });
    await sqlite.sql("INSERT INTO written VALUES (1, 'one'), (2, 'two')");
    await scene.succeed({ ...of(sqlite), prefix: "stopped" });
    await sqlite.sql("DELETE FROM written");
    await docker(["stop", sqlite.id]);
    const stopped = await startedAt(sqlite);

    const { outputs } = await scene.succeed({ ...restoreOf(sqlite), prefix: "stopped" });
    assert.equal(await sqlite.sql("SELECT body FROM written ORDER BY id"), "one\ntwo\n");
    assert.match(outputs["previous"] ?? "", /^\/data\/shop_before_/);
    assert.match(outputs["safety-backup-key"] ?? "", /^stopped\/before-restore\//);
    assert.equal(await startedAt(sqlite), stopped);
    const filter = ["--filter", `volume=${sqlite.volume}`, "--format", "{{.Names}}"];
    const left = (await docker(["ps", "--all", ...filter])).trim().split("\n");
    assert.equal(left.length, 2, left.join());
  });

  test("lets a container that ends again and again come up", async () => {
    await using sqlite = await openShop();
    await scene.succeed({ ...of(sqlite), prefix: "loop" });
    await sqlite.sql("DELETE FROM written");
    const guard = `sqlite3 ${sqlite.path} 'SELECT count(*) FROM written' | grep -qx 2 || exit 1; exec sleep infinity`;
    const volumes = [`${sqlite.volume}:/data`];
    const cmd = ["sh", "-c", guard];
    await using app = await startContainer({ image: image("sqlite"), volumes, cmd });
    await docker(["wait", app.id]);
    await docker(["update", "--restart=always", app.id]);
    await docker(["start", app.id]);
    const state = () => docker(["inspect", "--format", "{{.State.Status}}", app.id]);
    // The engine waits twice as long before each new start.
    const restarts = () => docker(["inspect", "--format", "{{.RestartCount}}", app.id]);
    while (Number(await restarts()) < 5 || (await state()) !== "restarting\n") await sleep(50);
    const inputs = { ...of(sqlite), container: app.name, operation: "restore", confirm: "shop" };
    await scene.succeed({ ...inputs, "stop-containers": app.name, prefix: "loop" });
    assert.equal(await state(), "running\n");
  });

  test("in a volume that the user on the host may not read goes through a container that has it", async () => {
    await using unprivileged = await openUnprivileged();
    await using sqlite = await openShop();
    const inputs = { engine: "sqlite", volume: sqlite.volume, database: "shop.db" };
    await unprivileged.succeed({ ...inputs, prefix: "volume" });
    await sqlite.sql("DELETE FROM written");
    const restore = { operation: "restore", confirm: "shop", "stop-containers": sqlite.name };
    const outcome = await unprivileged.succeed({ ...inputs, ...restore, prefix: "volume" });
    assert.equal(await sqlite.sql("SELECT count(*) FROM written"), "2\n");
    assert.match(outcome.outputs["previous"] ?? "", /^\/data\/shop_before_/);
    const owner = await sqlite.exec(["stat", "-c", "%u:%g", sqlite.path]);
    assert.equal(owner, "0:0\n");
  });

  test("waits for nobody: while a backup of the file is at work it says so and ends", async () => {
    await using sqlite = await openShop();
    const inputs = { ...of(sqlite), prefix: "both", compression: "none" };
    await scene.succeed(inputs);
    // More than all buffers on the way hold, so that the dump stands still when the store does.
    await sqlite.sql("UPDATE written SET body = zeroblob(60000000)");
    const held = hold(scene.s3, "UploadPart");
    await using backup = scene.start({ ...inputs, prefix: "large" });
    await held.reached;
    const restore = { ...restoreOf(sqlite), prefix: "both" };
    assertFailed(await scene.act(restore), /a backup of .*shop\.db is at work, which gave a sign/);
    held.release();
    const { status, log } = await backup.outcome;
    assert.equal(status, 0, log);
    await scene.succeed({ ...restore, "safety-backup": "false" });
    assert.equal(await sqlite.sql("SELECT sum(length(body)) FROM written"), "6\n");
  });

  test("wants to know what has to be stopped", async () => {
    await using sqlite = await openShop();
    await scene.succeed({ ...of(sqlite), prefix: "which" });
    const inputs = { ...restoreOf(sqlite), prefix: "which" };
    const absent = await scene.act({ ...inputs, "stop-containers": "nobody" });
    assertFailed(absent, /no container .* has the name nobody/);
  });
});
