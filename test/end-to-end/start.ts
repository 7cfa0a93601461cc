// A step of a workflow: starts test/end-to-end/servers.ts for the engine in ENGINE, which goes on in the background, and hands on by
// GITHUB_OUTPUT and GITHUB_ENV where everything is.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { appendFileSync, openSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { z } from "zod";

const texts = z.record(z.string(), z.string());
const told = z.object({ outputs: texts, env: texts });

const { ENGINE = "postgres", GITHUB_OUTPUT = "", GITHUB_ENV = "" } = process.env;
const log = join(process.env["RUNNER_TEMP"] ?? tmpdir(), "servers.log");
const { outputs, env } = await started();
// A runner shows the inputs of a step: not this one.
for (const line of (outputs["ssh-private-key"] ?? "").trim().split("\n")) {
  console.log(`::add-mask::${line}`);
}
appendFileSync(GITHUB_OUTPUT, entries(outputs));
appendFileSync(GITHUB_ENV, entries(env));

async function started(): Promise<z.infer<typeof told>> {
  const argv = [join(import.meta.dirname, "servers.ts"), ENGINE];
  const servers = spawn(process.execPath, argv, {
    detached: true,
    // Not this process's own: whoever runs a step may wait until nobody holds its output any more.
    stdio: ["ignore", "pipe", openSync(log, "w")],
  });
  const exited = once(servers, "exit").then(() => {
    throw new Error(`the servers do not start:\n${readFileSync(log, "utf8")}`);
  });
  assert.ok(servers.stdout);
  const lines = createInterface(servers.stdout);
  const [line] = await Promise.race([once(lines, "line"), exited]);
  exited.catch(() => undefined);
  lines.close();
  servers.stdout.destroy();
  servers.unref();
  return told.parse(JSON.parse(line));
}

/** As a runner's files want values of several lines. */
function entries(values: z.infer<typeof texts>): string {
  const all = Object.entries(values).map(([name, text]) => `${name}<<END\n${text.trim()}\nEND\n`);
  return all.join("");
}
