import { UnsupportedError } from "./fault.ts";
import { isMapping, type TemplateToken } from "./parser.ts";

export type Level = "none" | "read" | "write";

/** What a job's token may do, by scope; a scope that is not named: nothing. */
export type Permissions = Readonly<Record<string, Level>>;

const levels: readonly string[] = ["none", "read", "write"] satisfies readonly Level[];

/**
 * What a file says under `permissions`. Who names one scope gives nothing to the others ("Workflow syntax for GitHub Actions",
 * permissions).
 */
export function readPermissions(token: TemplateToken): Permissions {
  if (!isMapping(token)) throw new UnsupportedError(`line ${token.line}: such permissions`);
  const pairs = [...token].map(({ key, value }) => {
    return [key.toString(), levelIn(value.assertScalar("permission").toString())] as const;
  });
  return Object.fromEntries(pairs);
}

function levelIn(text: string): Level {
  if (text === "none" || text === "read" || text === "write") return text;
  throw new UnsupportedError(`permission ${text} is not supported`);
}

/** Whether a token that may do so much may do that. */
export function mayDo(permissions: Permissions, scope: string, level: Level): boolean {
  return levels.indexOf(level) <= levels.indexOf(permissions[scope] ?? "none");
}

/** What is asked for and not allowed, such as `id-token: write`. */
export function excess(requested: Permissions, allowed: Permissions): readonly string[] {
  return Object.entries(requested)
    .filter(([scope, level]) => !mayDo(allowed, scope, level))
    .map(([scope, level]) => `${scope}: ${level}`);
}
