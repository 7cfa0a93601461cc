import type { Manifest } from "../backup/manifest.ts";
import { quote } from "../host/quote.ts";

/**
 * The line of shell that starts the workflow `restore.yml` of the repository to bring a backup back, with the GitHub CLI. What the workflow
 * asks for is what the template of that name asks for.
 *
 * @param database as the workflow's input wants it: a name, or of a SQLite file its path
 */
export function restoreCommand({ key, database: name, run }: Manifest, database: string): string {
  const repository = run.repository === null ? [] : ["--repo", run.repository];
  const fields = { database, backup: key, confirm: name };
  const given = Object.entries(fields).flatMap(([field, value]) => ["-f", `${field}=${value}`]);
  return quote(["gh", "workflow", "run", "restore.yml", ...repository, ...given]);
}
