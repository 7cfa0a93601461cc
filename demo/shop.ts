import { DatabaseSync } from "node:sqlite";

/** A live SQLite database in WAL mode, with an application that takes orders all the time. */
export interface Shop extends Disposable {
  readonly path: string;
  /** Orders committed so far. */
  readonly orders: () => number;
}

export function openShop(path: string, ordersAtStart: number): Shop {
  const database = new DatabaseSync(path);
  database.exec(`
    PRAGMA journal_mode = wal;
    CREATE TABLE "order" (id INTEGER PRIMARY KEY, customer TEXT NOT NULL, placed TEXT NOT NULL);
    CREATE TABLE "menu – 品書き" (dish TEXT PRIMARY KEY, yen INTEGER NOT NULL) WITHOUT ROWID;
    INSERT INTO "menu – 品書き" VALUES ('ramen', 900), ('''special''', 1200);
  `);
  const place = database.prepare(
    `INSERT INTO "order" (customer, placed) VALUES (hex(randomblob(16)), datetime())`,
  );
  database.exec("BEGIN");
  for (let n = 0; n < ordersAtStart; n++) place.run();
  database.exec("COMMIT");
  const customers = setInterval(() => place.run(), 2);
  return {
    path,
    orders: () => countOrders(database),
    [Symbol.dispose]() {
      clearInterval(customers);
      database.close();
    },
  };
}

/** What is in a copy that was brought back, after SQLite itself has found it sound. */
export function examineCopy(path: string): { integrity: string; orders: number; dishes: number } {
  const database = new DatabaseSync(path, { readOnly: true });
  try {
    return {
      integrity: String(database.prepare("PRAGMA integrity_check").get()?.["integrity_check"]),
      orders: countOrders(database),
      dishes: Number(database.prepare(`SELECT count(*) AS n FROM "menu – 品書き"`).get()?.["n"]),
    };
  } finally {
    database.close();
  }
}

function countOrders(database: DatabaseSync): number {
  return Number(database.prepare(`SELECT count(*) AS n FROM "order"`).get()?.["n"]);
}
