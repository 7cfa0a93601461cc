import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { readInputs } from "../../src/inputs.ts";
import {
  action,
  isHoldfast,
  type Job,
  reusable,
  type Step,
  stepsOf,
  templates,
  type WorkflowFile,
  workflowFile,
} from "./files.ts";
import { convertWorkflowTemplate, NoOperationTraceWriter, parseWorkflow } from "./runner/parser.ts";

const files = [...templates, ...reusable];

/** Everything that a user sets, and a value that our action takes for it. */
const documented = {
  vars: {
    SSH_HOST: "db.example.com",
    SSH_PORT: "22",
    SSH_USER: "deploy",
    SSH_KNOWN_HOSTS: "db.example.com ssh-ed25519 AAAA",
    BACKUP_BUCKET: "example-backups",
    AWS_REGION: "ap-northeast-1",
    BACKUP_ROLE: "arn:aws:iam::123456789012:role/backup",
    RESTORE_ROLE: "arn:aws:iam::123456789012:role/restore",
    WATCH_ROLE: "arn:aws:iam::123456789012:role/watch",
    SNS_TOPIC: "arn:aws:sns:ap-northeast-1:123456789012:backups",
    HEALTH_URL: "https://shop.example.com/up",
  },
  secrets: {
    SSH_PRIVATE_KEY: "a key",
    SSH_PASSPHRASE: "",
    DB_PASSWORD: "",
    DECRYPT_WITH: "",
    HEARTBEAT_URL: "",
    KAMAL_REGISTRY_PASSWORD: "a password",
  },
} as const;

type Texts = Readonly<Record<string, string>>;

const jobsOf = ({ workflow }: WorkflowFile): readonly Job[] => Object.values(workflow.jobs);
const ourSteps = (file: WorkflowFile): readonly Step[] =>
  jobsOf(file).flatMap((job) => stepsOf(job).filter(isHoldfast));
const scriptsOf = (file: WorkflowFile): readonly string[] =>
  jobsOf(file).flatMap((job) => stepsOf(job).flatMap(({ run }) => run ?? []));

suite("every workflow that is copied or called", () => {
  for (const file of files) {
    const { path, text, workflow } = file;

    test(`${path} is accepted by GitHub's own parser`, async () => {
      const { context, value } = parseWorkflow(
        { name: path, content: text },
        new NoOperationTraceWriter(),
      );
      assert.ok(value);
      await convertWorkflowTemplate(context, value);
      assert.deepEqual(
        context.errors.getErrors().map(({ message }) => message),
        [],
      );
    });

    test(`${path} has nothing of a user's in a script but by the environment`, () => {
      for (const run of scriptsOf(file)) assert.doesNotMatch(run, /\$\{\{/);
    });

    test(`${path} pins what is not ours by its commit`, () => {
      const lines = text.split("\n").filter((line) => /^\s*(- )?uses:/.test(line));
      for (const line of lines) {
        const [, used = ""] = /uses: (.*)$/.exec(line) ?? [];
        const ours =
          /^(holdfast-action\/holdfast(\/\.github\/workflows\/\w+\.yml)?@v1|\.\/[.\w/-]+)$/;
        if (!ours.test(used)) assert.match(used, /^[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/);
      }
    });

    test(`${path} lets every job do what it needs and nothing else`, () => {
      assert.deepEqual(workflow.permissions, {});
      for (const job of jobsOf(file)) assert.deepEqual(job.permissions, needed(job));
    });

    test(`${path} ends every job at some time`, () => {
      for (const job of jobsOf(file)) if (job.steps) assert.ok(job["timeout-minutes"]);
    });

    test(`${path} takes settings by their documented names`, () => {
      for (const [, context = "", name = ""] of text.matchAll(/\b(vars|secrets)\.(\w+)/g)) {
        const names = Object.keys(context === "vars" ? documented.vars : documented.secrets);
        assert.ok(names.includes(name), `${context}.${name}`);
      }
    });

    test(`${path} runs in the environment that its role trusts`, () => {
      for (const job of jobsOf(file)) {
        const roles = stepsOf(job).flatMap(({ with: inputs }) => inputs?.["role-to-assume"] ?? []);
        for (const role of roles) assert.match(environmentOf(job, file), environmentFor(role));
      }
    });

    test(`${path} gives our action inputs that it has, all that it wants, and values that it takes`, async () => {
      for (const step of ourSteps(file)) {
        for (const name of Object.keys(step.with ?? {})) assert.ok(action.inputs[name], name);
        const given = (name: string) => sample(step.with?.[name] ?? "", file);
        await readInputs(given, () => undefined);
      }
    });

    test(`${path} uses outputs that our action has`, () => {
      for (const job of jobsOf(file)) {
        const ids = stepsOf(job)
          .filter(isHoldfast)
          .flatMap(({ id }) => id ?? []);
        for (const output of Object.values(job.outputs ?? {})) {
          const [, id = "", name = ""] = /steps\.(\w+)\.outputs\.([\w-]+)/.exec(output) ?? [];
          if (ids.includes(id)) assert.ok(Object.hasOwn(action.outputs, name), name);
        }
      }
    });
  }
});

/** The permissions that a job's steps use. */
function needed(job: Job): Texts {
  if (job.uses) return union(calledJobs(job.uses).map((called) => called.permissions ?? {}));
  return union(
    stepsOf(job).map((step): Texts => {
      if (isHoldfast(step)) return step.with?.["role-to-assume"] ? { "id-token": "write" } : {};
      if (step.uses?.startsWith("actions/checkout@")) return { contents: "read" };
      return step.run?.includes("gh api") ? { actions: "read" } : {};
    }),
  );
}

function calledJobs(uses: string): readonly Job[] {
  const [, name = ""] = /\.github\/workflows\/([\w-]+)\.yml/.exec(uses) ?? [];
  return jobsOf(workflowFile(`.github/workflows/${name}.yml`));
}

const union = (permissions: readonly Texts[]): Texts =>
  Object.fromEntries(permissions.flatMap((one) => Object.entries(one)));

function environmentOf({ environment = "" }: Job, { workflow }: WorkflowFile): string {
  const [, input = ""] = /inputs\.([\w-]+)/.exec(environment) ?? [];
  return String(workflow.on.workflow_call?.inputs?.[input]?.default ?? environment);
}

/** In a shard of a fleet the operation decides about both. */
function environmentFor(role: string): RegExp {
  const [, name = ""] = /\bvars\.(\w+)_ROLE \}\}$/.exec(role) ?? [];
  return role.includes("inputs.operation") ? /inputs\.environment/ : new RegExp(`^${name}$`, "i");
}

/** What an expression gives where everything that is documented is set, and of inputs those that a workflow asks for. */
function sample(text: string, { workflow }: WorkflowFile): string {
  const wanted: Texts = { engine: "postgres", database: "shop", confirm: "shop" };
  const preset = workflow.on.workflow_dispatch?.inputs ?? {};
  return text.replaceAll(/\$\{\{(.*?)\}\}/g, (_, expression: string) => {
    const [, context = "", name = ""] = /(vars|secrets)\.(\w+)\)? $/.exec(expression) ?? [];
    const settings: Texts = context === "vars" ? documented.vars : documented.secrets;
    const [, input = ""] = /\b(?:inputs|target)\.([\w-]+)/.exec(expression) ?? [];
    return settings[name] ?? String(preset[input]?.default ?? wanted[input] ?? "");
  });
}

suite("runs on one database", () => {
  /** Jobs that touch the database. A dry run changes nothing and disturbs nobody. */
  const touching = (file: WorkflowFile): readonly Job[] =>
    jobsOf(file).filter((job) =>
      stepsOf(job).some(
        (step) =>
          (isHoldfast(step) && step.with?.["ssh-host"] && step.with["dry-run"] !== "true") ||
          /\b(ssh -F|kamal) /.test(step.run ?? ""),
      ),
    );
  const groups = (paths: readonly string[]): ReadonlySet<string> =>
    new Set(
      paths.map(workflowFile).flatMap((file) =>
        touching(file).map(({ concurrency }) => {
          assert.equal(concurrency?.queue, "max", file.path);
          const preset = file.workflow.on.workflow_dispatch?.inputs?.["database"]?.default;
          return preset
            ? concurrency.group.replace("${{ inputs.database }}", `${preset}`)
            : concurrency.group;
        }),
      ),
    );

  for (const variant of ["", "compose/", "kamal/"]) {
    const paths = (...names: string[]) => names.map((name) => `workflows/${variant}${name}.yml`);

    test(`follow one another, whichever of workflows/${variant} starts them`, () => {
      const postgres = groups(paths("backup-postgres", "restore", "deploy"));
      assert.deepEqual([...postgres], ["${{ vars.SSH_HOST }}/shop"]);
      const sqlite = groups(paths("backup-sqlite", "restore-sqlite"));
      assert.deepEqual([...sqlite], ["${{ vars.SSH_HOST }}//data/shop.db"]);
    });
  }

  test("follow one another when they are called, those of a fleet included", () => {
    const called = ["backup", "restore", "fleet-shard"].map(
      (name) => `.github/workflows/${name}.yml`,
    );
    const unified = [...groups(called)].map((group) =>
      group
        .replace("inputs.operation == 'check' && 'watch' || ", "")
        .replaceAll("matrix.target.", "inputs."),
    );
    assert.equal(new Set(unified).size, 1, unified.join("\n"));
  });

  test("are never cancelled by one that comes later", () => {
    for (const { text } of files) assert.doesNotMatch(text, /cancel-in-progress/);
  });

  test("keep no watch waiting", () => {
    for (const { workflow } of files.filter(({ path }) => path.endsWith("/watch.yml")))
      assert.match(workflow.jobs["check"]?.concurrency?.group ?? "", /^watch\//);
  });
});

suite("the variants", () => {
  const lines = (...all: string[]): string => all.join(`\n${" ".repeat(12)}`);
  const compose = (service: string): string =>
    lines(
      "container-labels: |",
      "com.docker.compose.project=shop",
      `com.docker.compose.service=${service}`,
    );
  /** By what a container is found in place of its name. */
  const found = {
    compose: new Map([
      [/\bcontainer: shop-db-1$/gm, compose("db")],
      [/\bcontainer: shop-app$/gm, compose("app")],
      [/(?<=stop-containers: )shop-app/g, "shop-app-1"],
    ]),
    kamal: new Map([
      [/\bcontainer: shop-db-1$/gm, "container-labels: service=shop-db # the accessory `db`"],
      [/\bcontainer: shop-app$/gm, lines("container-labels: |", "service=shop", "role=web")],
      [/(?<=stop-containers: )shop-app/g, "service=shop"],
    ]),
  };

  for (const [variant, ways] of Object.entries(found)) {
    const adapted = (text: string): string =>
      [...ways].reduce((all, [name, way]) => all.replaceAll(name, way), text);
    const both = (name: string): readonly [plain: WorkflowFile, variant: WorkflowFile] => [
      workflowFile(`workflows/${name}.yml`),
      workflowFile(`workflows/${variant}/${name}.yml`),
    ];

    for (const name of ["backup-postgres", "backup-sqlite", "restore", "restore-sqlite"]) {
      test(`${variant}/${name}.yml differs in how a container is found, and in nothing else`, () => {
        const [plain, other] = both(name);
        assert.equal(other.text, adapted(plain.text));
      });
    }

    test(`${variant}/deploy.yml differs in how a container is found and in how the app is deployed`, () => {
      const [plain, other] = both("deploy");
      assert.deepEqual(skeleton(other), skeleton(plain));
      assert.equal(snapshotIn(other.text), snapshotIn(adapted(plain.text)));
    });
  }

  const snapshotIn = (text: string): string | undefined =>
    /^ {2}snapshot:$[^]*?^$/m.exec(text)?.[0];

  /** A deploy without what its tool does. */
  function skeleton({ workflow }: WorkflowFile): unknown {
    return Object.entries(workflow.jobs).map(([id, job]) => {
      const { permissions: _rights, outputs: _outputs, steps = [], ...rest } = job;
      return { id, ...rest, steps: steps.filter(isCommon).map(inCommon) };
    });
  }

  const isCommon = ({ uses, name = "" }: Step): boolean =>
    !uses?.startsWith("actions/checkout@") && !/^(Install|Let ssh)/.test(name);

  function inCommon({ name, uses, run, with: inputs = {} }: Step): unknown {
    const { container: _name, "container-labels": _labels, ...others } = inputs;
    return { name, uses, with: others, run: run?.startsWith("curl ") ? run : undefined };
  }
});
