import { createHash } from "node:crypto";
import type { Contexts } from "./expression.ts";
import { shown, type Texts } from "./json.ts";
import type { Event } from "./setting.ts";
import type { Reference } from "./template.ts";
import type { Trigger } from "./trigger.ts";

/** The token of a job, which stands for none. */
export const jobToken = "ghs_0123456789abcdefghijklmnopqrstuvwxyz";

/** The commit that a ref is at; a commit itself stays what it is. */
export function shaOf({ repository, ref }: Pick<Reference, "repository" | "ref">): string {
  if (/^[0-9a-f]{40}$/.test(ref)) return ref;
  return createHash("sha1").update(`${repository}@${ref}`).digest("hex");
}

/** `OWNER/NAME/PATH@REF`. */
export function workflowRef({ repository, path, ref }: Reference): string {
  return `${repository}/${path}@${ref}`;
}

/** The `github` context of a run, without what only a job has ("Contexts reference"). */
export function githubContext(
  workflow: string,
  reference: Reference,
  event: Event,
  { payload }: Trigger,
): Contexts {
  const { repository, ref } = reference;
  const owner = repository.split("/")[0] ?? "";
  const sha = shaOf(reference);
  return {
    ...alwaysTheSame,
    event: { ...payload, repository: repositoryOf(repository, owner) },
    event_name: event.name,
    ref,
    ref_name: ref.replace(/^refs\/(heads|tags)\//, ""),
    ref_type: ref.startsWith("refs/tags/") ? "tag" : "branch",
    repository,
    repository_owner: owner,
    repositoryUrl: `git://github.com/${repository}.git`,
    sha,
    workflow,
    workflow_ref: workflowRef(reference),
    workflow_sha: sha,
  };
}

const alwaysTheSame = {
  actor: "octocat",
  actor_id: "583231",
  api_url: "https://api.github.com",
  base_ref: "",
  graphql_url: "https://api.github.com/graphql",
  head_ref: "",
  ref_protected: false,
  repository_id: "1296269",
  repository_owner_id: "1",
  retention_days: "90",
  run_attempt: "1",
  run_id: "17000000001",
  run_number: "7",
  secret_source: "Actions",
  server_url: "https://github.com",
  token: jobToken,
  triggering_actor: "octocat",
};

/** As events tell of it ("Webhook events and payloads"), in part. */
function repositoryOf(repository: string, owner: string): Contexts {
  return {
    name: repository.slice(owner.length + 1),
    full_name: repository,
    html_url: `https://github.com/${repository}`,
    default_branch: "main",
    private: true,
    owner: { login: owner },
  };
}

/** What of the `github` context is not in the environment of steps ("Variables reference", and GitHubContext in actions/runner). */
const contextOnly = new Set(["event", "repositoryurl", "secret_source", "token"]);

/** GITHUB_SHA and its likes. */
export function githubVariables(github: Contexts): Texts {
  const pairs = Object.entries(github).filter(([name]) => !contextOnly.has(name.toLowerCase()));
  const variables = pairs.map(
    ([name, value]) => [`GITHUB_${name.toUpperCase()}`, shown(value)] as const,
  );
  return { GITHUB_ACTIONS: "true", ...Object.fromEntries(variables) };
}
