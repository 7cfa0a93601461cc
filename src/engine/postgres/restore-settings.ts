import { z } from "zod";
import { IntegrityError } from "../../errors.ts";

const name = z.string();
const some = <T extends z.ZodType>(of: T) => of.nullish().transform((value) => value ?? undefined);
const list = <T extends z.ZodType>(of: T) =>
  z
    .array(of)
    .nullish()
    .transform((value) => value ?? []);

const grant = z.object({
  /** Null for PUBLIC. */
  grantee: name.nullable(),
  privilege: z.string(),
  grantable: z.boolean(),
  grantor: name,
});

/** What `question` in sql.ts says about a database, as far as a new one is made from it. */
const settingsSchema = z.object({
  encoding: some(z.string()),
  collate: some(z.string()),
  ctype: some(z.string()),
  localeProvider: some(z.enum(["c", "i", "b"])),
  locale: some(z.string()),
  icuRules: some(z.string()),
  owner: some(name),
  tablespace: some(name),
  connectionLimit: some(z.number().int()),
  isTemplate: some(z.boolean()),
  comment: some(z.string()),
  /** Undefined when nobody has ever granted or revoked anything. */
  grants: some(z.array(grant)),
  configuration: list(z.object({ role: name.nullable(), settings: z.array(z.string()) })),
  extensions: list(z.object({ name, version: z.string() })),
  roles: list(name),
  tablespaces: list(name),
});

export type Settings = Readonly<z.output<typeof settingsSchema>>;
export type Grant = Readonly<z.infer<typeof grant>>;

/** What there is to know about a database of which there is nothing to know. */
export const noSettings: Settings = settingsSchema.parse({});

/** @throws IntegrityError when `settings`, of a manifest, are not those of a PostgreSQL database */
export function readSettings(settings: unknown): Settings {
  const { data, error } = settingsSchema.safeParse(settings);
  if (data) return data;
  throw new IntegrityError(
    `the manifest's settings are not those of a PostgreSQL database: ${z.prettifyError(error)}`,
    { hint: "The manifest was altered, or a newer Holdfast wrote it.", cause: error },
  );
}

/** What a server must have before a database with these settings can be restored there. */
export interface Needs {
  readonly roles: readonly string[];
  readonly extensions: readonly string[];
  readonly tablespaces: readonly string[];
  /** Parameters that are set for the database. */
  readonly parameters: readonly string[];
}

export function needsOf(settings: Settings): Needs {
  const { owner, grants = [], configuration, roles, tablespace, tablespaces } = settings;
  const inGrants = grants.flatMap(({ grantee, grantor }) => [grantee ?? grantor, grantor]);
  const configured = configuration.flatMap(({ role }) => (role === null ? [] : [role]));
  return {
    roles: unique([...roles, ...(owner === undefined ? [] : [owner]), ...inGrants, ...configured]),
    extensions: settings.extensions.map((extension) => extension.name),
    tablespaces: unique([...tablespaces, ...(tablespace === undefined ? [] : [tablespace])]),
    parameters: unique(
      configuration.flatMap(({ settings: pairs }) => pairs.map((pair) => parameterOf(pair).name)),
    ),
  };
}

/** One element of `setconfig` (PostgreSQL manual, 53.16): `name=value`. */
export function parameterOf(pair: string): { readonly name: string; readonly value: string } {
  const at = pair.indexOf("=");
  return { name: pair.slice(0, at), value: pair.slice(at + 1) };
}

function unique(names: readonly string[]): readonly string[] {
  return [...new Set(names)].toSorted();
}
