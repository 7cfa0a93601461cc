/** Values of environment variables by name; empty for absent ones. */
export type Environment = ReadonlyMap<string, string>;

/** Asks for variables of a host's environment, and reads the answer. Nothing else of the environment leaves the host. */
export interface EnvironmentQuestion {
  /** What `environment.sh` takes as its first argument. */
  readonly words: string;
  /** The values, once the whole answer of `environment.sh` has come, and what came behind it. */
  read(stdout: string): { readonly environment: Environment; readonly rest: string } | undefined;
}

/** @param names letters, digits and `_` only */
export function askEnvironment(names: readonly string[]): EnvironmentQuestion {
  const wrong = names.find((name) => !/^[A-Za-z_]\w*$/.test(name));
  if (wrong !== undefined) throw new Error(`${JSON.stringify(wrong)} is no name of a variable`);
  return {
    words: names.join(" "),
    read(stdout) {
      const values = stdout.split("\0");
      const rest = values.slice(names.length);
      if (rest.length === 0) return undefined;
      const environment = new Map(names.map((name, at) => [name, values[at] ?? ""]));
      return { environment, rest: rest.join("\0") };
    },
  };
}
