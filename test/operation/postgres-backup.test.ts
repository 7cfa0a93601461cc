import assert from "node:assert/strict";
import { test } from "node:test";
import { startPostgres } from "../servers/postgres.ts";
import { conninfo, contentOf } from "./postgres-content.ts";
import { openScene } from "./scene.ts";
import { readBackup } from "./stored.ts";

const torture = new URL("../fixtures/torture.sql", import.meta.url);

test("a PostgreSQL database comes back equal through plain tools, with all that is odd in it", async () => {
  await using postgres = await startPostgres();
  await using scene = await openScene();
  const name = `Shop's "größte" 店 $1`;
  await postgres.sql(`CREATE DATABASE "${name.replaceAll('"', '""')}"`, "postgres");
  await postgres.load(torture, conninfo(name));

  const outcome = await scene.succeed({
    engine: "postgres",
    container: postgres.name,
    database: name,
  });
  const { manifest, dump } = await readBackup(scene, outcome);
  assert.equal(manifest.database, name);
  assert.match(outcome.summary, /rows in \d+ tables/);

  await postgres.sql("CREATE DATABASE copy TEMPLATE template0", "postgres");
  const restore = ["pg_restore", "--username", postgres.user, "--exit-on-error", "--dbname=copy"];
  await postgres.exec(["sh", "-c", `base64 -d | ${restore.join(" ")}`], dump.toString("base64"));
  assert.equal(await contentOf(postgres, "copy"), await contentOf(postgres, name));
});
