import assert from "node:assert/strict";
import { describe, test } from "node:test";
import {
  keyFor,
  latestCopyKey,
  latestKey,
  listingPrefixes,
  manifestKey,
  type Naming,
  parseKey,
} from "../../src/backup/key.ts";
import { InputError } from "../../src/errors.ts";

const plain: Naming = { prefix: "database", template: undefined, timezone: "UTC" };
const app = { database: "app", engine: "postgres", extension: "dump.zst" } as const;
const at = new Date("2025-11-22T03:04:05Z");

describe("keyFor", () => {
  test("uses the default template of the engine", () => {
    assert.equal(keyFor(plain, app, at), "database/app_20251122_030405.dump.zst");
    const notes = { database: "notes", engine: "sqlite", extension: "db.gz" } as const;
    const key = keyFor({ ...plain, prefix: "sqlite-backup" }, notes, at);
    assert.equal(key, "sqlite-backup/2025/11/notes_20251122_030405.db.gz");
  });

  test("fills every token", () => {
    const template =
      "{prefix}/{engine}/{YYYY}-{MM}-{DD}/{HH}:{mm}:{ss}/{YYYYMMDD}/{HHMMSS}/{database}.{ext}";
    assert.equal(
      keyFor({ ...plain, template }, app, at),
      "database/postgres/2025-11-22/03:04:05/20251122/030405/app.dump.zst",
    );
  });

  test("writes the time of the time zone", () => {
    const key = keyFor({ ...plain, timezone: "Asia/Tokyo" }, app, new Date("2025-11-21T18:00:00Z"));
    assert.equal(key, "database/app_20251122_030000.dump.zst");
  });

  test("takes no notice of slashes around the prefix, and needs none", () => {
    for (const prefix of ["database/", "/database", "//database//"]) {
      assert.equal(keyFor({ ...plain, prefix }, app, at), "database/app_20251122_030405.dump.zst");
    }
    assert.equal(keyFor({ ...plain, prefix: "" }, app, at), "app_20251122_030405.dump.zst");
    assert.equal(keyFor({ ...plain, prefix: "/" }, app, at), "app_20251122_030405.dump.zst");
  });

  test("lets no character through that a shell, a URL or a log could take for something else", () => {
    const named = (database: string) => keyFor(plain, { ...app, database }, at).split("_2025")[0];
    assert.equal(named("a/b"), "database/a%2Fb");
    assert.equal(named(`it's "$HOME"\n`), "database/it%27s%20%22%24HOME%22%0A");
    assert.equal(named("100%"), "database/100%25");
    assert.equal(named(".."), "database/%2E%2E");
    assert.equal(named("Größe_日本-1.2"), "database/Größe_日本-1.2");
    assert.equal(named("😀"), "database/%F0%9F%98%80");
  });

  test("refuses a template with an unknown token or an odd brace", () => {
    for (const token of ["{db}", "{toString}", "{}", "{", "}"]) {
      const template = `{prefix}/${token}/{database}_{YYYYMMDD}_{HHMMSS}`;
      assert.throws(
        () => keyFor({ ...plain, template }, app, at),
        refusal(/key-template.*unknown/),
      );
    }
  });

  test("refuses a template without the database or with less than the whole time", () => {
    const lacking = {
      "{prefix}/{YYYYMMDD}_{HHMMSS}.{ext}": /key-template .* lacks \{database\}/,
      "{prefix}/{database}.{ext}": /lacks \{YYYY\}/,
      "{database}_{YYYYMMDD}.{ext}": /lacks \{HH\}/,
      "{database}_{YYYYMMDD}_{HH}{mm}.{ext}": /lacks \{ss\}/,
      "{database}_{YYYY}{DD}_{HHMMSS}.{ext}": /lacks \{MM\}/,
    };
    for (const [template, message] of Object.entries(lacking)) {
      assert.throws(() => keyFor({ ...plain, template }, app, at), refusal(message));
    }
  });

  test("refuses a time zone that there is not", () => {
    const naming = { ...plain, timezone: "Mars/Olympus" };
    assert.throws(() => keyFor(naming, app, at), refusal(/^timezone "Mars\/Olympus"/));
  });

  test("refuses a name that is empty or not Unicode", () => {
    for (const database of ["", "\ud800"]) {
      assert.throws(() => keyFor(plain, { ...app, database }, at), refusal(/^database/));
    }
  });

  test("refuses a key that leaves no room for its manifest's within the 1,024 bytes of S3", () => {
    const rest = manifestKey("database/_20251122_030405.dump.zst").length;
    const fits = { ...app, database: "x".repeat(1_024 - rest) };
    assert.equal(manifestKey(keyFor(plain, fits, at)).length, 1_024);
    const longer = { ...app, database: `${fits.database}x` };
    assert.throws(() => keyFor(plain, longer, at), refusal(/key-template.*too long/));
    const wider = { ...app, database: `${fits.database.slice(1)}é` };
    assert.throws(() => keyFor(plain, wider, at), refusal(/too long/));
  });

  test("refuses a key that would be read as that of another database", () => {
    const template = "{prefix}/{YYYYMMDD}{HHMMSS}.{ext}.{database}";
    assert.equal(
      parseKey({ ...plain, template }, keyFor({ ...plain, template }, app, at))?.database,
      "app",
    );
    const odd = { database: "gz.app", engine: "sqlite", extension: "db" } as const;
    assert.throws(() => keyFor({ ...plain, template }, odd, at), refusal(/cannot be read back/));
  });

  test("refuses a key in the folder of the backups that restores make", () => {
    const template = "{prefix}/{database}/{YYYYMMDD}_{HHMMSS}.{ext}";
    const odd = { ...app, database: "before-restore" };
    assert.throws(() => keyFor({ ...plain, template }, odd, at), refusal(/cannot be read back/));
  });
});

function refusal(message: RegExp) {
  return (error: unknown) =>
    error instanceof InputError && error.hint !== "" && message.test(error.message);
}

describe("parseKey", () => {
  test("never takes a database for another one that its name begins like", () => {
    const key = keyFor(plain, { ...app, database: "app_x" }, at);
    assert.equal(parseKey(plain, key)?.database, "app_x");
    const dated = keyFor(plain, { ...app, database: "app_20240101_000000" }, at);
    assert.deepEqual(parseKey(plain, dated), {
      database: "app_20240101_000000",
      engine: "postgres",
      ext: "dump.zst",
      at,
    });
  });

  test("recognises the keys of the original scripts whatever the template", () => {
    const template = "{prefix}/{database}/{YYYY}/{MM}{DD}{HHMMSS}.{ext}";
    for (const naming of [plain, { ...plain, template }]) {
      const tokyo = { ...naming, timezone: "Asia/Tokyo" };
      assert.deepEqual(parseKey(tokyo, "database/shop_20240131_030000.sql.gz"), {
        database: "shop",
        engine: "postgres",
        ext: "sql.gz",
        at: new Date("2024-01-30T18:00:00Z"),
      });
      const sqlite = { ...naming, prefix: "sqlite-backup" };
      assert.deepEqual(
        parseKey(sqlite, "sqlite-backup/2024/01/manual_generator_20240131_235959.db.gz"),
        {
          database: "manual_generator",
          engine: "sqlite",
          ext: "db.gz",
          at: new Date("2024-01-31T23:59:59Z"),
        },
      );
    }
  });

  test("knows nothing of other templates, prefixes, dates that do not exist and companions", () => {
    const strangers = [
      "other/app_20251122_030405.dump.zst",
      "database/sub/app_20251122_030405.dump.zst",
      "database/app_20251322_030405.dump.zst",
      "database/app_20250230_030405.dump.zst",
      "database/app_20251122_240000.dump.zst",
      "database/app_20251122_030405.dump.zst.manifest.json",
      "database/app_20251122_030405.dump.zst.part",
      "database/app_20251122_030405.txt",
      "database/_20251122_030405.dump.zst",
      "database/a b_20251122_030405.dump.zst",
      "database/a%2fb_20251122_030405.dump.zst",
      "database/%61_20251122_030405.dump.zst",
      "database/%FF_20251122_030405.dump.zst",
      "database/._20251122_030405.dump.zst\n",
      "database/2025/12/app_20251122_030405.db.gz",
      "database/before-restore/app_20251122_030405.dump.zst",
      "database/postgres/app/latest.json",
      "database/latest.dump.zst",
      "sqlite-backup/latest.db.gz",
      "",
    ];
    for (const key of strangers) assert.equal(parseKey(plain, key), undefined, key);
  });

  test("reads the kind from the extension in the template when there is no token for it", () => {
    const template = "{prefix}/{database}_{YYYYMMDD}_{HHMMSS}.sql.gz";
    const key = keyFor({ ...plain, template }, { ...app, extension: "dump.gz" }, at);
    assert.equal(key, "database/app_20251122_030405.sql.gz");
    const { ext, engine } = parseKey({ ...plain, template }, key) ?? {};
    assert.deepEqual({ ext, engine }, { ext: "sql.gz", engine: "postgres" });
    const bare = { ...plain, template: "{database}/{YYYYMMDD}{HHMMSS}" };
    const unknown = parseKey(bare, "app/20251122030405");
    assert.deepEqual(unknown, { database: "app", engine: undefined, ext: "", at });
  });

  test("reads an hour that comes twice as its first coming and a skipped one as the next hour", () => {
    const berlin = { ...plain, timezone: "Europe/Berlin" };
    const read = (time: string) => parseKey(berlin, `database/app_${time}.dump`)?.at.toISOString();
    assert.equal(read("20251026_023000"), "2025-10-26T00:30:00.000Z");
    assert.equal(read("20250330_023000"), "2025-03-30T01:30:00.000Z");
    assert.equal(read("20250330_030000"), "2025-03-30T01:00:00.000Z");
    const second = keyFor(berlin, app, new Date("2025-10-26T01:30:00Z"));
    assert.equal(second, "database/app_20251026_023000.dump.zst");
  });

  test("gives back what any key was made from", () => {
    const random = randomNumbers(20_251_122);
    for (let round = 0; round < 3_000; round++) {
      const naming = randomNaming(random);
      const subject = randomSubject(random);
      const began = new Date(1_000 * Math.floor(random() * 4_000_000_000));
      const key = keyFor(naming, subject, began);
      const parsed = parseKey(naming, key);
      const where = JSON.stringify({ naming, subject, began, key });
      assert.equal(parsed?.database, subject.database, where);
      assert.equal(parsed?.ext, subject.extension, where);
      assert.equal(parsed?.engine, subject.engine, where);
      // In the hour that comes twice the first is meant, so what counts is that the clock shows the same.
      assert.equal(keyFor(naming, subject, parsed?.at ?? began), key, where);
      if (naming.timezone === "UTC" || naming.timezone === "Asia/Tokyo")
        assert.deepEqual(parsed?.at, began, where);
    }
  });

  test("gives different keys to different databases", () => {
    const random = randomNumbers(7);
    const owners = new Map<string, string>();
    for (let round = 0; round < 3_000; round++) {
      const { database } = randomSubject(random);
      const key = keyFor(plain, { ...app, database }, at);
      assert.equal(owners.get(key) ?? database, database);
      owners.set(key, database);
    }
  });
});

type Random = () => number;

/** mulberry32: a failing round must come again. */
function randomNumbers(seed: number): Random {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

function oneOf<T>(random: Random, choices: readonly [T, ...T[]]): T {
  return choices[Math.floor(random() * choices.length)] ?? choices[0];
}

function randomNaming(random: Random): Naming {
  return {
    prefix: oneOf(random, ["database", "a/b", "", "we.ird+(x)*$^[y]|", "日本"]),
    template: oneOf(random, [
      undefined,
      "{prefix}/{database}/{YYYYMMDD}-{HHMMSS}.{ext}",
      "{prefix}-{YYYY}{MM}{DD}{HH}{mm}{ss}{database}.{ext}",
      "{engine}/{database}/{database}.{YYYYMMDD}.{HHMMSS}.{YYYY}.{ext}",
      "{database}{YYYYMMDD}{HHMMSS}.{ext}",
      "{database}.{ext}_{YYYYMMDD}T{HHMMSS}",
    ]),
    timezone: oneOf(random, [
      "UTC",
      "Asia/Tokyo",
      "Europe/Berlin",
      "America/St_Johns",
      "Asia/Kathmandu",
    ]),
  };
}

function randomSubject(random: Random) {
  const [engine, dump] = oneOf<readonly ["postgres" | "sqlite", string]>(random, [
    ["postgres", "dump"],
    ["sqlite", "db"],
  ]);
  const codecs = oneOf(random, ["", ".zst", ".gz", ".age", ".zst.age"]);
  const pieces = [
    "a",
    "app",
    "_",
    "-",
    ".",
    "%",
    "/",
    " ",
    "$",
    "'",
    "\n",
    "é",
    "日",
    "😀",
    "e\u0301",
  ];
  const more = [
    "20240101_000000",
    ".db",
    ".dump",
    ".gz",
    ".zst",
    "sql",
    "latest",
    "0",
    "..",
    "%2F",
    "\\",
  ];
  const [first = "a", ...rest] = [...pieces, ...more];
  const length = 1 + Math.floor(random() * 5);
  const database = Array.from({ length }, () => oneOf(random, [first, ...rest])).join("");
  return { engine, extension: `${dump}${codecs}`, database };
}

describe("companions of a backup", () => {
  test("stand beside it or under the prefix", () => {
    assert.equal(manifestKey("a/b.dump"), "a/b.dump.manifest.json");
    assert.equal(
      latestKey(plain, { engine: "sqlite", database: "my app" }),
      "database/sqlite/my%20app/latest.json",
    );
    assert.equal(
      latestCopyKey({ ...plain, prefix: "/sqlite-backup/" }, "db.gz"),
      "sqlite-backup/latest.db.gz",
    );
    assert.equal(
      latestKey({ ...plain, prefix: "" }, { engine: "postgres", database: "app" }),
      "postgres/app/latest.json",
    );
  });

  test("are looked for in as few listings as cover every template", () => {
    assert.deepEqual(listingPrefixes(plain), ["database/"]);
    assert.deepEqual(listingPrefixes({ ...plain, prefix: "" }), [""]);
    const template = "mine/{database}/{YYYYMMDD}_{HHMMSS}";
    assert.deepEqual(listingPrefixes({ ...plain, template }), ["database/", "mine/"]);
    const bare = { ...plain, template: "{database}/{YYYYMMDD}_{HHMMSS}" };
    assert.deepEqual(listingPrefixes(bare), [""]);
  });
});
