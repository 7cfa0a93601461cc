import type { Runner } from "./run.ts";
import { version } from "./version.ts";

/** Who makes a backup: this action, in the run that the runner's variables tell of. */
export function originOf(env: NodeJS.ProcessEnv): Runner["origin"] {
  const { GITHUB_REPOSITORY, GITHUB_RUN_ID, GITHUB_SERVER_URL, GITHUB_SHA, GITHUB_ACTOR } = env;
  const url = `${GITHUB_SERVER_URL}/${GITHUB_REPOSITORY}/actions/runs/${GITHUB_RUN_ID}`;
  return {
    holdfast: version,
    run: {
      repository: GITHUB_REPOSITORY || null,
      url: GITHUB_RUN_ID ? url : null,
      commit: GITHUB_SHA || null,
      actor: GITHUB_ACTOR || null,
    },
  };
}
