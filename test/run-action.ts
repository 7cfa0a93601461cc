import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parse } from "yaml";

type Texts = Readonly<Record<string, string>>;

/** What a runner sees of one step. */
export interface Outcome {
  readonly status: number | undefined;
  readonly signal: NodeJS.Signals | undefined;
  /** All that was printed, as it came and **unmasked**, but for the `::add-mask::` lines that a runner swallows. */
  readonly log: string;
  /** The same with those lines. */
  readonly printed: string;
  readonly outputs: Texts;
  readonly summary: string;
  readonly state: Texts;
}

/** A step that runs; disposing kills it if it still does. */
export interface Step extends AsyncDisposable {
  readonly pid: number;
  /** Rejects when the step outlives its deadline. */
  readonly outcome: Promise<Outcome>;
  /** Resolves once the log so far matches; rejects when the step ends without. */
  printed(pattern: RegExp): Promise<void>;
  kill(signal: NodeJS.Signals): void;
}

const root = join(import.meta.dirname, "..");
const bundle = join(root, "dist/index.cjs");
const fileNames = ["OUTPUT", "STATE", "STEP_SUMMARY", "ENV", "PATH"] as const;

/** What an input is when nobody gives it; the names are all that there are. */
export const defaults: Texts = Object.fromEntries(
  Object.entries<{ readonly default?: string }>(
    parse(readFileSync(join(root, "action.yml"), "utf8")).inputs,
  ).map(([name, input]) => [name, input.default ?? ""]),
);

/** Runs the bundle to its end, as a runner does: inputs as INPUT_*, answers in files. */
export function runAction(inputs: Texts, env: Texts = {}): Promise<Outcome> {
  return startAction(inputs, env).outcome;
}

/** Runs the post step, which a runner starts with what the main step saved as its state. */
export function runPost(state: Texts, inputs: Texts = {}, env: Texts = {}): Promise<Outcome> {
  return startAction(inputs, { ...prefixed("STATE_", state), ...env }).outcome;
}

/** Starts the bundle and lets the test watch and kill it. */
export function startAction(inputs: Texts, env: Texts = {}, deadlineMs = 120_000): Step {
  const directory = mkdtempSync(join(tmpdir(), "holdfast-step-"));
  const files = fileNames.map((name) => [`GITHUB_${name}`, join(directory, name)] as const);
  for (const [, path] of files) writeFileSync(path, "");
  const child = spawn(process.execPath, [bundle], {
    cwd: env["GITHUB_WORKSPACE"] ?? directory,
    stdio: ["ignore", "pipe", "pipe"],
    env: {
      PATH: process.env["PATH"],
      // What V8 made of the bundle for the test before: it saves a sixth of the time that all tests take.
      NODE_COMPILE_CACHE: process.env["NODE_COMPILE_CACHE"],
      HOME: directory,
      RUNNER_TEMP: directory,
      GITHUB_ACTIONS: "true",
      ...Object.fromEntries(files),
      ...prefixed("INPUT_", upperCased({ ...defaults, ...inputs })),
      ...env,
    },
  });
  return watch(child, directory, deadlineMs);
}

function watch(child: ChildProcess, directory: string, deadlineMs: number): Step {
  let log = "";
  const ended = Promise.withResolvers<Outcome>();
  // A test that has not come to await the outcome yet must not end as an unhandled rejection.
  ended.promise.catch(() => undefined);
  const deadline = setTimeout(() => {
    ended.reject(new Error(`the action still ran after ${deadlineMs} ms:\n${log}`));
    child.kill("SIGKILL");
  }, deadlineMs);
  for (const output of [child.stdout, child.stderr]) {
    output?.setEncoding("utf8").on("data", (text: string) => {
      log += text;
      child.emit("log");
    });
  }
  child.once("error", ended.reject).once("close", (code, signal) => {
    clearTimeout(deadline);
    ended.resolve({
      status: code ?? undefined,
      signal: signal ?? undefined,
      ...read(directory, log),
    });
    rmSync(directory, { recursive: true, force: true });
  });
  return {
    pid: child.pid ?? 0,
    outcome: ended.promise,
    printed: (pattern) => until(child, ended.promise, () => pattern.test(log)),
    kill: (signal) => child.kill(signal),
    [Symbol.asyncDispose]: async () => {
      child.kill("SIGKILL");
      await ended.promise.catch(() => undefined);
    },
  };
}

async function until(
  child: ChildProcess,
  end: Promise<Outcome>,
  met: () => boolean,
): Promise<void> {
  const seen = Promise.withResolvers<void>();
  const look = (): void => void (met() && seen.resolve());
  child.on("log", look);
  look();
  const late = end.then(({ log }) => {
    if (!met()) throw new Error(`the action ended without printing that:\n${log}`);
  });
  await Promise.race([seen.promise, late]).finally(() => child.off("log", look));
}

function read(directory: string, log: string): Omit<Outcome, "status" | "signal"> {
  const file = (name: (typeof fileNames)[number]) => readFileSync(join(directory, name), "utf8");
  return {
    log: log.replaceAll(/^::add-mask::.*\n/gm, ""),
    printed: log,
    outputs: entries(file("OUTPUT")),
    summary: file("STEP_SUMMARY"),
    state: entries(file("STATE")),
  };
}

/** The entries of a runner's file: `NAME<<DELIMITER`, the value, `DELIMITER`. */
function entries(text: string): Texts {
  const found = text.matchAll(/^(.+?)<<(\S+)\n([\s\S]*?)\n\2$/gm);
  return Object.fromEntries([...found].map(([, name = "", , value = ""]) => [name, value]));
}

function prefixed(prefix: string, texts: Texts): Texts {
  return Object.fromEntries(Object.entries(texts).map(([name, text]) => [prefix + name, text]));
}

function upperCased(texts: Texts): Texts {
  return Object.fromEntries(
    Object.entries(texts).map(([name, text]) => [name.toUpperCase(), text]),
  );
}
