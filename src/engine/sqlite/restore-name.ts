import { posix } from "node:path";
import { InputError } from "../../errors.ts";

/** `YYYYMMDD_HHMMSS` in UTC. */
function stampOf(time: Date): string {
  return time.toISOString().slice(0, 19).replace(/[-:]/g, "").replace("T", "_");
}

/** The stamp of now, or the next one that none of `taken` has. */
export function freeStamp(taken: readonly string[], now = new Date()): string {
  const stamp = stampOf(now);
  return taken.includes(stamp) ? freeStamp(taken, new Date(now.getTime() + 1_000)) : stamp;
}

/** What a restore makes beside a database: a copy that is staged, or what it has replaced. */
export type Tag = `restoring-${string}` | `before_${string}`;

/** The path of what a tag stands for: `/data/.app.db.restoring-STAMP`, `/data/app_before_STAMP.db`. */
export function taggedPath(path: string, tag: Tag): string {
  const { dir, base, name, ext } = posix.parse(path);
  return posix.join(dir, tag.startsWith("before_") ? `${name}_${tag}${ext}` : `.${base}.${tag}`);
}

/**
 * The path that `beside` is where the database has `path`.
 *
 * @param database the database's path as the user wrote it, absolute or relative to its volume
 * @param beside in the same form
 * @throws InputError when it is in the other form, outside the volume, or the database itself
 */
export function besidePath(path: string, database: string, beside: string): string {
  const target = posix.normalize(beside);
  if (posix.isAbsolute(beside) !== posix.isAbsolute(database) || target.startsWith("../"))
    throw notBeside(database, beside, `a path in the same form as ${JSON.stringify(database)}`);
  const way = posix.relative(posix.dirname(database), target);
  if (way === posix.basename(database) || way === "" || beside.endsWith("/"))
    throw notBeside(database, beside, "the path of another file");
  return posix.join(posix.dirname(path), way);
}

function notBeside(database: string, beside: string, wanted: string): InputError {
  return new InputError(
    `${JSON.stringify(database)} cannot be restored to ${JSON.stringify(beside)}`,
    { hint: `Set \`restore-to\` to ${wanted}.` },
  );
}
