import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { restoreCommand } from "../../src/report/restore-command.ts";
import { aManifest } from "../builders.ts";
import { wordsOf } from "./words.ts";

describe("the command that restores a backup", () => {
  test("starts restore.yml of the repository that made it, with its key and the name as confirmation", () => {
    const manifest = aManifest({ database: "app", key: "database/app_1.dump.zst" });
    assert.equal(
      restoreCommand(manifest, "app"),
      "gh workflow run restore.yml --repo acme/app -f database=app -f backup=database/app_1.dump.zst -f confirm=app".replaceAll(
        /(\S+=\S+)/g,
        (field) => `'${field}'`,
      ),
    );
  });

  test("names a SQLite file by its path, and confirms by its name", () => {
    const manifest = aManifest({ database: "app", key: "k" });
    const words = wordsOf(restoreCommand(manifest, "/data/app.db"));
    assert.deepEqual(words.slice(5), [
      "-f",
      "database=/data/app.db",
      "-f",
      "backup=k",
      "-f",
      "confirm=app",
    ]);
  });

  test("reaches gh word for word, whatever the database is called", () => {
    const database = `it's "$HOME" \`id\` \\ ! ü`;
    const manifest = aManifest({ database, key: `database/${database}` });
    const words = wordsOf(restoreCommand(manifest, database));
    for (const word of [
      `database=${database}`,
      `backup=database/${database}`,
      `confirm=${database}`,
    ])
      assert.ok(words.includes(word), words.join("\n"));
  });

  test("leaves the repository to gh where no runner has told it", () => {
    const run = { repository: null, url: null, commit: null, actor: null };
    assert.ok(!wordsOf(restoreCommand(aManifest({ run }), "app")).includes("--repo"));
  });
});
