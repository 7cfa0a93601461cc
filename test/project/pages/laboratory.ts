import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { zstdCompressSync } from "node:zlib";
import { PutObjectCommand } from "@aws-sdk/client-s3";
import { openScene, type Scene } from "../../operation/scene.ts";
import { startContainer } from "../../servers/docker.ts";
import { image } from "../../servers/images.ts";
import { type MotoServer, startMoto } from "../../servers/moto.ts";
import { startPostgres } from "../../servers/postgres.ts";
import { connect } from "../../servers/s3/client.ts";
import type { Block, Page } from "./markdown.ts";
import { before, onHost } from "./reasons.ts";

const root = join(import.meta.dirname, "../../..");
const region = "ap-northeast-1";
const bucket = "example-backups";
const buckets = [
  { name: bucket, region, versioning: "Enabled" as const },
  { name: "old-backups", region, versioning: undefined },
];

/** Where commands of pages are run: a machine with a host, a database and a bucket as the pages have them. */
export interface Laboratory extends AsyncDisposable {
  /** Runs blocks of a page, one after another in one shell. @returns what went wrong; "" when nothing did */
  run(page: Page, blocks: readonly Block[]): Promise<string>;
}

type Texts = Readonly<Record<string, string>>;

export async function openLaboratory(): Promise<Laboratory> {
  await using stack = new AsyncDisposableStack();
  const [scene, database, files, moto] = await Promise.all([
    openScene({ s3: { buckets } }).then((opened) => stack.use(opened)),
    startPostgres().then((started) => stack.use(started)),
    startContainer({ image: image("sqlite"), name: "files" }).then((made) => stack.use(made)),
    startMoto().then((started) => stack.use(started)),
  ]);
  await database.sql(shop);
  await database.sql("CREATE DATABASE shop TEMPLATE seed OWNER app", "postgres");
  const backup = { engine: "postgres", container: database.name, database: "shop", bucket };
  const { outputs } = await scene.succeed(backup);
  await store(scene);
  const environment = {
    ...environmentOf(scene, moto),
    LAB_DATABASE: database.name,
    LAB_FILES: files.name,
  };
  const said = placeholders(scene, database.name, outputs);
  const opened = stack.move();
  return {
    run: (page, blocks) => runIn(scriptOf(page, blocks, said), environment),
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  };
}

/** What commands, and the stand-ins in `bin/`, need to know. */
function environmentOf({ inputs, s3, sshd }: Scene, moto: MotoServer): Texts {
  return {
    ...s3.env,
    AWS_ENDPOINT_URL: moto.url,
    AWS_CONFIG_FILE: "/dev/null",
    AWS_PAGER: "",
    LAB_DOCKER: execFileSync("which", ["docker"], { encoding: "utf8" }).trim(),
    LAB_HOST_KEY: sshd.knownHosts.split(" ").slice(1).join(" ").trim(),
    LAB_KEY: sshd.access.privateKey,
    LAB_KNOWN_HOSTS: inputs({})["ssh-known-hosts"] ?? "",
    LAB_ROOT: root,
  };
}

/** What every database of a shop begins as. */
const shop = `CREATE ROLE app;
CREATE DATABASE seed OWNER app;
\\connect seed
CREATE TABLE users (id int PRIMARY KEY);
CREATE TABLE orders (id int PRIMARY KEY, created_at timestamptz DEFAULT now());
INSERT INTO orders SELECT generate_series(1, 50);
\\connect postgres`;

function sqliteFile(): Buffer {
  const script = 'sqlite3 "$0" "CREATE TABLE orders (id)" && cat "$0" && rm "$0"';
  const file = join(tmpdir(), `holdfast-page-${process.pid}.db`);
  return zstdCompressSync(execFileSync("sh", ["-c", script, file]));
}

/** What lies in the buckets besides the backup. */
async function store({ s3 }: Scene): Promise<void> {
  const objects: readonly (readonly [string, string, Buffer | string])[] = [
    [bucket, "database/2026/01/app_20260131_180000.db.zst", sqliteFile()],
    [bucket, "database/before-restore/shop_20260131_190312.dump.zst", "safe"],
    ["old-backups", "database/shop_20260131_030000.sql.gz", "old"],
    ["old-backups", "sqlite-backup/2026/01/manual_generator_20260131_180000.db.gz", "old"],
  ];
  using client = connect(s3);
  const puts = objects.map(([Bucket, Key, Body]) => new PutObjectCommand({ Bucket, Key, Body }));
  await Promise.all(puts.map((put) => client.send(put)));
}

/** What stands in pages for something that each reader has another of, and what it is here. */
function placeholders(
  { link, s3, sshd }: Scene,
  container: string,
  { key = "", "version-id": version = "" }: Texts,
): readonly (readonly [RegExp | string, string])[] {
  const name = key.replace(/^database\/|\.dump\.zst$/g, "");
  return [
    [/\b(shop|app)_20\d{6}_\d{6}(?=\.dump)/g, name],
    ["s3://BUCKET", `s3://${bucket}`],
    ["ENGINE/DATABASE", "postgres/shop"],
    ["=VERSION ", `=${version} `],
    ["en_US.utf8", "C.UTF-8"],
    [" /data/", " data/"],
    ["/etc/ssh/ssh_host_ed25519_key.pub", "known_hosts"],
    ["https://minio.example.com", s3.url],
    [
      /AKIA\w{16}/g,
      "$(aws iam create-access-key --user-name shop-backup --query AccessKey.AccessKeyId --output text)",
    ],
    ["'INPUT_SSH-HOST=db.example.com'", `'INPUT_SSH-HOST=127.0.0.1' 'INPUT_SSH-PORT=${link.port}'`],
    ["INPUT_SSH-USER=deploy", `INPUT_SSH-USER=${sshd.access.user}`],
    ["INPUT_CONTAINER=shop-db-1", `INPUT_CONTAINER=${container}`],
  ];
}

function scriptOf(
  page: Page,
  blocks: readonly Block[],
  said: ReturnType<typeof placeholders>,
): string {
  const parts = blocks.map((block) => {
    const text = said.reduce((so, [from, to]) => so.replaceAll(from, () => to), block.text);
    const prepared = Object.entries(before).find(([which]) => isMeant(which, page, block))?.[1];
    const isOnHost = onHost.some((which) => isMeant(which, page, block));
    const commands = isOnHost
      ? `"$LAB_DOCKER" exec -i "$LAB_DATABASE" sh -eu <<'HOST_ENDS'\n${host}\n${text}\nHOST_ENDS`
      : text;
    return `at='${page.path}:${block.line}'\n${prepared ?? ""}\n${commands}`;
  });
  return [prelude, ...parts].join("\n");
}

/** Whether a table names a block: white space does not matter, nor line continuations. */
export function isMeant(which: string, page: Page, { text }: Block): boolean {
  const even = (some: string) => some.replaceAll(/(\\?\s)+/g, " ");
  return even(`${page.path}: ${text}`).startsWith(even(which));
}

const prelude = `
trap 'status=$?; [ "$status" = 0 ] || echo "$at ended with $status"' EXIT
fresh() {
  for name in "\${@:-shop}"; do
    docker exec shop-db-1 dropdb -U postgres --force --if-exists "$name"
    docker exec shop-db-1 createdb -U postgres --template=seed --owner=app "$name"
  done
}`;

/** A Debian with its user, as others have it: images for tests lack Perl, and so adduser, and cron. */
const host = `
sudo() { "$@"; }
adduser() { [ "$1 $2" = '--disabled-password --gecos' ] && id "$4"; }
crontab() {
  case $* in
  -l) echo '0 * * * * sqlite-backup' ;;
  -) cat ;;
  *) return 2 ;;
  esac
}
getent group docker || groupadd docker
id deploy || useradd --create-home deploy
install -d /home/deploy/.ssh
touch /home/deploy/.ssh/authorized_keys`;

/** @returns what was printed, when it ended with another status than 0 */
async function runIn(script: string, environment: Texts): Promise<string> {
  const directory = mkdtempSync(join(tmpdir(), "holdfast-page-"));
  try {
    furnish(directory);
    const PATH = `${import.meta.dirname}/bin:${process.env["PATH"]}`;
    // Not by stdin, of which commands would take what follows them.
    const child = spawn("bash", ["-euo", "pipefail", "-c", script], {
      cwd: directory,
      env: { ...environment, HOME: directory, PATH },
      stdio: ["ignore", "pipe", "pipe"],
    });
    const ended = once(child, "close");
    const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr)]);
    const [code] = await ended;
    return code === 0 ? "" : (stdout + stderr).slice(-3000);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/** Puts into a directory what a reader has at home: clones, and a name for commits. */
function furnish(directory: string): void {
  symlinkSync(join(root, "infra"), join(directory, "infra"));
  mkdirSync(join(directory, "holdfast"));
  symlinkSync(join(root, "dist"), join(directory, "holdfast/dist"));
  const git = "[init]\ndefaultBranch = main\n[user]\nname = Page\nemail = page@example.com\n";
  writeFileSync(join(directory, ".gitconfig"), git);
}
