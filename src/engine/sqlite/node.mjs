// What `tool` in tool.sh does when the tool is node (22.16, 23.8 or newer).
import { backup, DatabaseSync } from "node:sqlite";

function connect(uri) {
  // Schemas that older SQLite wrote may hold strings in double quotes.
  const database = new DatabaseSync(uri, { enableDoubleQuotedStringLiterals: true });
  database.exec("PRAGMA busy_timeout = 30000");
  return database;
}

const verbs = {
  version() {
    const { node, sqlite } = process.versions;
    console.log(`node ${node} sqlite ${sqlite}\n${sqlite}`);
  },

  ask(uri, ...statements) {
    const database = connect(uri);
    for (const statement of statements)
      for (const row of database.prepare(statement).all())
        console.log(String(Object.values(row)[0]));
    database.close();
  },

  async copy(uri, file) {
    const database = connect(uri);
    database.exec("BEGIN");
    database.prepare("SELECT count(*) FROM sqlite_master").get();
    await backup(database, file, { rate: 2 ** 31 - 1 });
    database.close();
  },

  count(uri, tables) {
    const database = connect(uri);
    for (const { name } of database.prepare(tables).all()) {
      const sql = `SELECT count(*) AS rows FROM "${name.replaceAll('"', '""')}"`;
      const json = JSON.stringify([name, database.prepare(sql).get().rows]);
      console.log(json.replaceAll("\u2028", "\\u2028").replaceAll("\u2029", "\\u2029"));
    }
    console.log("end");
    database.close();
  },
};

const [verb, ...args] = process.argv.slice(1);
try {
  await verbs[verb](...args);
} catch (error) {
  console.error(error.message);
  process.exitCode = 1;
}
