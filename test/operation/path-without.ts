import { lstatSync, mkdtempSync, readdirSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";

/** A directory with all commands of this machine but some, to stand for its PATH. */
export function pathWithout(tools: readonly string[]): string {
  const directory = mkdtempSync(join(tmpdir(), "holdfast-path-"));
  const places = [...(process.env["PATH"] ?? "").split(delimiter), "/usr/sbin", "/usr/bin", "/bin"];
  for (const place of places.filter((path) => lstatSync(path, { throwIfNoEntry: false }))) {
    for (const name of readdirSync(place)) {
      const link = join(directory, name);
      const isThere = lstatSync(link, { throwIfNoEntry: false });
      if (!isThere && !tools.includes(name)) symlinkSync(join(place, name), link);
    }
  }
  return directory;
}
