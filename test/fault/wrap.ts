import type { TestContainer } from "../servers/docker.ts";

/** Where the images have the tools that a backup picks. */
export const pgDump = "/usr/lib/postgresql/15/bin/pg_dump";
export const psql = "/usr/lib/postgresql/15/bin/psql";

/** What a script does unless it is only asked for its version. */
export function unlessAsked(script: string): string {
  return `case $1 in --version) exec "$0.real" "$@" ;; esac; ${script}`;
}

/** Puts a script before a program of the container until disposed; in it, `"$0.real"` is the program. */
export async function wrap(
  container: TestContainer,
  program: string,
  script: string,
): Promise<AsyncDisposable> {
  await container.exec(["mv", program, `${program}.real`]);
  await container.exec(["tee", program], `#!/bin/sh\n${script}\n`);
  await container.exec(["chmod", "755", program]);
  return {
    [Symbol.asyncDispose]: async () => {
      await container.exec(["mv", `${program}.real`, program]);
    },
  };
}
