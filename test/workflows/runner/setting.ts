import { makeIssuer, type SigningIssuer } from "../../servers/oidc.ts";
import type { Told } from "./command-files.ts";
import type { Texts } from "./json.ts";
import type { JobRun } from "./outcome.ts";
import type { Level, Permissions } from "./permissions.ts";

/** What starts a run. */
export type Event =
  /** @param cron one of the file's */
  | { readonly name: "schedule"; readonly cron: string }
  /** @param inputs as `gh workflow run -f` sends them */
  | { readonly name: "workflow_dispatch"; readonly inputs: Texts }
  /** @param ref `refs/heads/…` or `refs/tags/…` */
  | { readonly name: "push"; readonly ref: string };

/** What an action's step gives to the runner, by its files or on its outputs. */
export interface Answer extends Told {
  readonly log: string;
}

/** A step that uses an action. */
export interface Call {
  /** As written: `actions/checkout@v5`. */
  readonly uses: string;
  /** Its `with`. */
  readonly inputs: Texts;
  /** All that a process of the step would have. */
  readonly env: Texts;
  /** Absolute path. */
  readonly workspace: string;
  /** The job's id. */
  readonly job: string;
  readonly signal: AbortSignal;
  /** Makes use of a permission. @throws Fault when the job has not got it */
  use(scope: string, level: Level): void;
}

/** Does what an action does, as far as a test needs it. A Fault that it throws makes the step fail. */
export type StandIn = (
  call: Call,
) => Partial<Answer> | undefined | void | Promise<Partial<Answer> | undefined | void>;

/** `bundle` is our own action as it is built, with its post step. */
export type Action = "bundle" | StandIn;

export interface Environment {
  readonly vars: Texts;
  readonly secrets: Texts;
  /** What its reviewers decide about a job, knowing the jobs that have ended; undefined when nobody is asked. */
  readonly review: Review | undefined;
}
type Decision = "approved" | "rejected";
type Review = (waiting: {
  readonly job: string;
  readonly done: readonly JobRun[];
}) => Decision | Promise<Decision>;

/** What there is around a workflow. */
export interface Setting {
  /** Their texts by path, those of other repositories by `OWNER/NAME/PATH`. */
  readonly workflows: Texts;
  /** `OWNER/NAME`. It is private: a checkout needs `contents: read`. */
  readonly repository: string;
  readonly vars: Texts;
  readonly secrets: Texts;
  readonly environments: Readonly<Record<string, Partial<Environment>>>;
  /** By what `uses` says before the `@`, such as `actions/checkout`, or by the path of an action in the workspace. */
  readonly actions: Readonly<Record<string, Action>>;
  /** Environment of the machine. */
  readonly env: Texts;
  /** Signs the jobs' OIDC tokens; startSts wants to know it. */
  readonly issuer: SigningIssuer;
  /** Of the repository, where no file says anything. */
  readonly defaultPermissions: Permissions;
  /** What `timeout-minutes` count in; 60,000 in the world outside. */
  readonly minuteMs: number;
  /** Told of each job that has ended, before the next one begins. */
  readonly onEnded: (job: JobRun) => unknown;
  /** Cancels the run; undefined when nobody does. */
  readonly signal: AbortSignal | undefined;
}

// Making keys takes its time.
const someIssuer = makeIssuer();

export function settingOf(wanted: Partial<Setting>): Setting {
  return {
    workflows: {},
    repository: "example/shop",
    vars: {},
    secrets: {},
    environments: {},
    actions: {},
    env: {},
    issuer: someIssuer,
    defaultPermissions: { contents: "read", packages: "read" },
    minuteMs: 60_000,
    onEnded: () => undefined,
    signal: undefined,
    ...wanted,
  };
}
