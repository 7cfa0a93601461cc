import type { PostgresConnection } from "./connection.ts";

/** Variables that are looked at when the inputs say nothing. libpq finds PGHOST and PGPORT by itself. */
const fallbacks = {
  user: ["PGUSER", "POSTGRES_USER"],
  password: ["PGPASSWORD", "POSTGRES_PASSWORD", "POSTGRES_USER"],
  database: ["PGDATABASE", "POSTGRES_DB", "POSTGRES_USER"],
} as const;

/** The variables of the container's environment that {@link resolveConnection} needs to know. */
export function variablesFor(options: PostgresConnection): readonly string[] {
  const named = Object.values(options.variables).filter((name) => name !== undefined);
  const { user, password, database } = fallbacks;
  return [
    ...new Set([
      ...named,
      ...(options.user === undefined ? user : []),
      ...(options.password === undefined ? password : []),
      ...(options.database === undefined ? database : []),
    ]),
  ];
}

/** Everything in the environment that nobody must see: passwords, also within a URL, decoded or not. */
export function secretsIn(
  options: PostgresConnection,
  environment: ReadonlyMap<string, string>,
): string[] {
  const { url, password } = options.variables;
  const held = [url, password, "PGPASSWORD", "POSTGRES_PASSWORD"]
    .map((name) => name && environment.get(name))
    .filter((value) => value !== undefined);
  const encoded = held.flatMap((value) => passwordsIn(value));
  return [...held, ...encoded, ...encoded.map(decodeLoosely)].filter((secret) => secret !== "");
}

/** What may be a password in a text that may be a URL, and need not be a right one. */
function passwordsIn(text: string): string[] {
  const places = [/^[\w+.-]+:\/\/[^/?#]*?:(.*)@/s, /[?&]password=([^&#]*)/];
  return places.flatMap((place) => place.exec(text)?.slice(1) ?? []);
}

function decodeLoosely(text: string): string {
  return text.replace(/(%[\da-f]{2})+/gi, (run) =>
    Buffer.from(run.replaceAll("%", ""), "hex").toString(),
  );
}
