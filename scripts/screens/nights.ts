import { join } from "node:path";
import { bucket, openScene, type Scene } from "../../test/operation/scene.ts";
import type { Outcome } from "../../test/run-action.ts";
import { image } from "../../test/servers/images.ts";
import { startPostgres, type TestPostgres } from "../../test/servers/postgres.ts";

const dayMs = 86_400_000;
/** 03:00 in Tokyo. */
const last = Date.UTC(2026, 0, 31, 18);

/**
 * Nightly backups of a shop whose orders grow in number, by the action as it is built and against real servers.
 *
 * @param orders that the shop has when it begins
 * @returns the summary of the last of them, with names of the documentation instead of this machine's
 */
export async function nightlyBackups(nights: number, orders: number): Promise<string> {
  await using scene = await openScene({
    s3: { buckets: [{ name: bucket, region: "ap-northeast-1", versioning: undefined }] },
  });
  const env = { POSTGRES_PASSWORD: "only-for-the-screens", POSTGRES_DB: "shop" };
  await using shop = await startPostgres({ image: image("postgres17"), name: "shop-db", env });
  await shop.sql(schema);
  await order(shop, orders);
  for (let night = nights - 1; night > 0; night--) {
    await backUp(scene, shop, last - night * dayMs + delayMs(night));
    await order(shop, 9_000 + ((night * 7) % 5) * 4_000);
  }
  const { summary } = await backUp(scene, shop, last + delayMs(0));
  return documented(summary, scene, shop);
}

/** Some seconds, as a runner takes to begin. */
function delayMs(night: number): number {
  return 9_000 + ((night * 37) % 23) * 1_000;
}

const schema = `
  CREATE TABLE customers (id bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY, name text NOT NULL);
  CREATE TABLE orders (id bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY, customer bigint, note text);
  INSERT INTO customers (name) SELECT md5(n::text) FROM generate_series(1, 20000) AS n;
`;

async function order(shop: TestPostgres, count: number): Promise<void> {
  await shop.sql(
    `INSERT INTO orders (customer, note) SELECT n % 20000, md5(random()::text) FROM generate_series(1, ${count}) AS n`,
  );
}

/** Runs a backup at another time, which the bucket's clock tells as well: it would refuse the signature otherwise. */
async function backUp(scene: Scene, shop: TestPostgres, at: number): Promise<Outcome> {
  const aheadMs = at - Date.now();
  scene.s3.clock.advance(at - scene.s3.clock.now().getTime());
  return scene.succeed(
    { engine: "postgres", container: shop.name, database: "shop" },
    {
      NODE_OPTIONS: `--import=${join(import.meta.dirname, "other-day.ts")}`,
      OTHER_DAY_MS: String(aheadMs),
      GITHUB_REPOSITORY: "example/shop",
    },
  );
}

function documented(text: string, { sshd, link }: Scene, { name }: TestPostgres): string {
  const host = `${sshd.access.user}@127.0.0.1:${link.port}`;
  const names = [
    [host, "deploy@db.example.com"],
    // So that nobody is mentioned by it, a summary writes the `@` like this.
    [host.replace("@", "&#64;"), "deploy&#64;db.example.com"],
    [name, "shop-db-1"],
    [image("postgres17"), "postgres:17"],
    [`s3://${bucket}/`, "s3://example-backups/"],
  ] as const;
  return names.reduce((renamed, [own, theirs]) => renamed.replaceAll(own, theirs), text);
}
