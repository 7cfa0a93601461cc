import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type OidcServer, startOidc } from "../../servers/oidc.ts";
import type { Contexts } from "./expression.ts";
import { githubVariables, workflowRef } from "./github.ts";
import { shown, type Texts } from "./json.ts";
import { mayDo } from "./permissions.ts";
import type { Turn } from "./turn.ts";

/** The machine of one job: empty directories, and a place to get tokens at if it may. */
export interface Machine extends AsyncDisposable {
  /** Absolute paths. */
  readonly workspace: string;
  readonly temp: string;
  /** The `github` and `runner` contexts. */
  readonly contexts: { readonly github: Contexts; readonly runner: Contexts };
  /** Environment of all its processes. */
  readonly env: Texts;
  /** Undefined without `id-token: write`. */
  readonly oidc: OidcServer | undefined;
  /** Ends what steps have left behind, before the directories go. */
  readonly atEnd: (() => void)[];
}

/** @param environment that the job names */
export async function openMachine(turn: Turn, environment: string | undefined): Promise<Machine> {
  await using opening = new AsyncDisposableStack();
  const root = await mkdtemp(join(tmpdir(), "holdfast-job-"));
  opening.defer(() => rm(root, { recursive: true, force: true }));
  const atEnd: Machine["atEnd"] = [];
  opening.defer(() => atEnd.forEach((end) => end()));
  const [workspace, temp, home] = ["workspace", "temp", "home"].map((name) => join(root, name));
  if (!workspace || !temp || !home) throw new Error("a directory is missing");
  await Promise.all([workspace, temp, home].map((path) => mkdir(path)));
  const eventPath = join(temp, "event.json");
  const github = { ...turn.github, job: turn.job.id, workspace, event_path: eventPath };
  await writeFile(eventPath, JSON.stringify(turn.github["event"]));
  const runner = runnerContext(temp, root);
  const oidc = mayDo(turn.job.permissions, "id-token", "write")
    ? opening.use(await openOidc(turn, environment))
    : undefined;
  const own = { PATH: process.env["PATH"] ?? "", HOME: home, ...turn.setting.env, CI: "true" };
  const opened = opening.move();
  return {
    workspace,
    temp,
    contexts: { github, runner },
    env: { ...own, ...githubVariables(github), ...runnerVariables(runner), ...oidc?.env },
    oidc,
    atEnd,
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  };
}

/** RUNNER_TEMP and its likes ("Variables reference"). */
function runnerVariables(runner: Texts): Texts {
  const pairs = Object.entries(runner);
  return Object.fromEntries(pairs.map(([name, text]) => [`RUNNER_${name.toUpperCase()}`, text]));
}

/** "Contexts reference", runner context. `debug` is not there unless somebody wants it. */
function runnerContext(temp: string, root: string): Texts {
  return {
    arch: process.arch === "arm64" ? "ARM64" : "X64",
    debug: "",
    environment: "github-hosted",
    name: "GitHub Actions 1",
    os: "Linux",
    temp,
    tool_cache: join(root, "tools"),
  };
}

/** The tokens' `sub` names the environment, if the job has one, else the branch ("OpenID Connect reference"). */
function openOidc(turn: Turn, environment: string | undefined): Promise<OidcServer> {
  const text = (name: string) => shown(turn.github[name] ?? "");
  const { repository, issuer } = turn.setting;
  const claims = {
    event_name: text("event_name"),
    job_workflow_ref: workflowRef(turn.workflow.reference),
    sha: text("sha"),
    workflow: text("workflow"),
    workflow_ref: text("workflow_ref"),
  };
  return startOidc({ repository, ref: text("ref"), environment, issuer, claims });
}
