import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createNetwork, docker, ownerLabel } from "../servers/docker.ts";
import { image } from "../servers/images.ts";
import { freePort } from "../servers/sshd.ts";
import { edited, openPlace, type Place } from "./place.ts";
import { checkout, type Setting } from "./runner/run.ts";
import { composeLabels, namesOf, startDatabase } from "./shop.ts";

type Texts = Readonly<Record<string, string>>;

/** A version of an app, as it is in the registry. */
interface Version {
  /** Its tag. */
  readonly version: string;
  /** SQL that it runs when it starts, and again and again. */
  readonly migration: string;
  /** Whether `/up` answers; everything else does not. */
  readonly isWell: boolean;
}

const registry = "ghcr.io/example/shop";

const recipe = `
FROM ${image("client")}
COPY --from=${image("busybox")} /usr/bin/busybox /usr/bin/
ARG VERSION
ARG MIGRATION
ARG PAGE
ENV VERSION=$VERSION MIGRATION=$MIGRATION PAGE=$PAGE
CMD echo "$VERSION migrates" && psql -Xq "$DATABASE_URL" -c "$MIGRATION" && \\
  mkdir -p /www && echo "$VERSION" >"/www/$PAGE" || exit 1; \\
  while sleep 0.3; do printf '%s \\\\watch 0.3' "$MIGRATION" | psql -Xqo /dev/null "$DATABASE_URL"; done & \\
  exec busybox httpd -f -p 8080 -h /www
`;

/** Puts a version into what stands for the registry, until disposed. */
export async function publish({ version, migration, isWell }: Version): Promise<AsyncDisposable> {
  const args = { VERSION: version, MIGRATION: migration, PAGE: isWell ? "up" : "down" };
  const flags = Object.entries(args).flatMap(([name, text]) => ["--build-arg", `${name}=${text}`]);
  const tag = `${registry}:${version}`;
  const label = `${ownerLabel}=${process.pid}`;
  await docker(["build", "--quiet", "--label", label, "--tag", tag, ...flags, "-"], recipe);
  return {
    [Symbol.asyncDispose]: async () => {
      await docker(["image", "rm", tag]);
    },
  };
}

/** A place where an app with a database is deployed by whichever tool. */
export interface Stage extends AsyncDisposable {
  readonly place: Place;
  /** What the setting needs besides that of the place. */
  readonly setting: Partial<Setting>;
  /** Runs SQL in the database `shop`. */
  sql(text: string): Promise<string>;
  /** A template as the shop's people save it. */
  template(path: string): string;
  /** What the app says at `/up`: its version; `404` when it is not well; undefined when it does not run. */
  page(): Promise<string | undefined>;
}

/** @param project which no other stage has */
export async function openStage(project: string): Promise<Stage> {
  await using opening = new AsyncDisposableStack();
  const place = opening.use(await openPlace());
  const network = opening.use(await createNetwork(project, []));
  const env = { POSTGRES_PASSWORD: "secret" };
  const postgres = opening.use(await startDatabase(project, { env, network: network.name }));
  opening.defer(() => removeApps(project));
  const home = await mkdtemp(join(tmpdir(), "holdfast-srv-"));
  opening.defer(() => rm(home, { recursive: true }));
  const port = await freePort();
  const published = `127.0.0.1:${port}:8080`;
  const url = `http://127.0.0.1:${port}/up`;
  const flags = `--network ${network.name} --env-file ${home}/shop.env --publish ${published}`;
  const address = `postgresql://postgres:secret@${postgres.name}/shop`;
  await writeFile(join(home, "shop.env"), `DATABASE_URL=${address}\n`);
  await writeFile(join(home, "compose.yml"), composition(project, flags));
  await addStandIns(place);
  const names = {
    ...namesOf(project, postgres),
    "shop-app": `${project}-app`,
    "--network shop": `--network ${network.name}`,
    "80:8080": published,
    "/etc/shop.env": join(home, "shop.env"),
    "/srv/shop": home,
  };
  const opened = opening.move();
  return {
    place,
    setting: settingOf(place, url, { APP_SERVICE: project, APP_FLAGS: flags }),
    sql: (text) => postgres.sql(text),
    template: (path) => edited(path, names),
    page: () => pageAt(url),
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  };
}

/** As what stands for Compose reads it. */
function composition(project: string, flags: string): string {
  const labels = Object.entries(composeLabels(project, "app"));
  const labelled = labels.map(([name, value]) => `--label ${name}=${value}`);
  return `APP_NAME=${project}-app-1 APP_FLAGS='${[...labelled, flags].join(" ")}'\n`;
}

async function addStandIns(place: Place): Promise<void> {
  await place.addHostCommand("docker", await standIn("docker"));
  for (const name of ["curl", "kamal", "sudo"]) await place.addCommand(name, await standIn(name));
}

const standIn = (name: string): Promise<string> =>
  readFile(join(import.meta.dirname, "bin", name), "utf8");

function settingOf({ setting, checkouts }: Place, url: string, env: Texts): Partial<Setting> {
  const own = { "config/deploy.yml": "service: shop" };
  const checkingOut = checkout({ ...checkouts, "example/shop": own });
  const { vars, secrets, actions } = setting;
  return {
    vars: { ...vars, HEALTH_URL: url },
    secrets: { ...secrets, KAMAL_REGISTRY_PASSWORD: "secret of the registry" },
    actions: { ...actions, "actions/checkout": checkingOut },
    env: { ...setting.env, ...env, APP_PORT: vars["SSH_PORT"] ?? "" },
  };
}

async function pageAt(url: string): Promise<string | undefined> {
  const answer = await fetch(url).catch(() => undefined);
  if (answer === undefined) return undefined;
  return answer.ok ? (await answer.text()).trim() : String(answer.status);
}

async function removeApps(project: string): Promise<void> {
  const list = ["container", "ls", "--all", "--quiet", "--filter", `name=^${project}-`];
  const apps = (await docker(list)).trim().split("\n").filter(Boolean);
  if (apps.length > 0) await docker(["container", "rm", "--force", "--volumes", ...apps]);
}
