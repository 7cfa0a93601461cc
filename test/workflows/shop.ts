import { createVolume, startContainer, type TestContainer } from "../servers/docker.ts";
import { image } from "../servers/images.ts";
import { startPostgres, type TestPostgres } from "../servers/postgres.ts";
import { edited, openPlace, type Place } from "./place.ts";
import type { Environment, Setting } from "./runner/run.ts";

/** A place with the databases of a shop, whose containers have the labels of Compose and of Kamal. */
export interface Shop extends AsyncDisposable {
  readonly place: Place;
  /** Holds the database `shop`. */
  readonly postgres: TestPostgres;
  /** Has `/data/shop.db`, and the command sqlite3. */
  readonly app: TestContainer;
  /** A template as the shop's people save it. */
  template(path: string): string;
}

export async function openShop(): Promise<Shop> {
  await using opening = new AsyncDisposableStack();
  const place = opening.use(await openPlace());
  const project = `shop${process.pid}`;
  const postgres = opening.use(await startDatabase(project));
  const volume = opening.use(await createVolume("data"));
  const labels = { ...composeLabels(project, "app"), service: project, role: "web" };
  const volumes = [`${volume.name}:/data`];
  const app = opening.use(
    await startContainer({ image: image("sqlite"), name: "app", labels, volumes }),
  );
  const opened = opening.move();
  const names = { ...namesOf(project, postgres), "shop-app-1": app.name, "shop-app": app.name };
  return {
    place,
    postgres,
    app,
    template: (path) => edited(path, names),
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  };
}

/** Starts the database `shop` of a project: Compose's service `db`, Kamal's accessory `db`. @param more of the container */
export function startDatabase(
  project: string,
  { env, ...more }: Parameters<typeof startPostgres>[0] = {},
): Promise<TestPostgres> {
  const labels = { ...composeLabels(project, "db"), service: `${project}-db` };
  return startPostgres({ ...more, env: { POSTGRES_DB: "shop", ...env }, labels });
}

export const composeLabels = (project: string, service: string) => ({
  "com.docker.compose.project": project,
  "com.docker.compose.service": service,
});

/** What is called otherwise than in the templates. */
export const namesOf = (project: string, { name }: TestPostgres) => ({
  "project=shop": `project=${project}`,
  "service=shop": `service=${project}`,
  "shop-db-1": name,
});

/** Setting in which reviewers are asked before a restore. */
export function reviewedBy(place: Place, review: Environment["review"]): Partial<Setting> {
  return { environments: { ...place.setting.environments, restore: { review } } };
}
