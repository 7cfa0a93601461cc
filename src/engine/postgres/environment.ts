import type { Host } from "../../host/host.ts";
import { run } from "../../host/run.ts";
import environmentScript from "./environment.sh.ts";

/**
 * The values of environment variables on a host, in one remote command; empty for absent ones. Nothing else of
 * the environment leaves the host.
 *
 * @param names letters, digits and `_` only
 * @throws CommandError when there is no shell; ConnectionError
 */
export async function readEnvironment(
  host: Host,
  names: readonly string[],
): Promise<ReadonlyMap<string, string>> {
  const wrong = names.find((name) => !/^[A-Za-z_]\w*$/.test(name));
  if (wrong !== undefined) throw new Error(`${JSON.stringify(wrong)} is no name of a variable`);
  if (names.length === 0) return new Map();
  const stdout = await run(host, ["sh", "-c", environmentScript, "environment", ...names]);
  const values = stdout.split("\0");
  return new Map(names.map((name, at) => [name, values[at] ?? ""]));
}
