// For `node --test --test-global-setup`: brings what the tests run against, and takes down what it
// started.
import { output } from "./servers/command.ts";
import { removeLeftovers, startDockerd, stopDockerd } from "./servers/dockerd.ts";
import { buildMissing } from "./servers/images.ts";
import { lock } from "./servers/lock.ts";
import { asRoot, installTools } from "./servers/tools.ts";

// Held, shared, by every test run on this machine: the last one stops the engine.
const users = "/tmp/holdfast-test.users.lock";
// Held by the one test run that sets up at this moment.
const builder = "/tmp/holdfast-test.setup.lock";

let use: AsyncDisposable | undefined;

export async function globalSetup(): Promise<void> {
  await installTools();
  use = await lock(users, "--shared");
  try {
    await using _ = await lock(builder, "--exclusive");
    await startDockerd();
    await removeLeftovers();
    await buildImages();
  } catch (error) {
    // Node calls no teardown after a setup that failed.
    await globalTeardown();
    throw error;
  }
}

export async function globalTeardown(): Promise<void> {
  await use?.[Symbol.asyncDispose]();
  await using alone = await lock(users, "--exclusive", "--nonblock");
  if (alone.held) await stopDockerd();
}

async function buildImages(): Promise<void> {
  for (const build of await buildMissing()) {
    const root = await asRoot();
    if (!root) throw new Error(`test images are missing; as root, run: ${build.join(" ")}`);
    console.error("Building test images, which takes a minute …");
    await output([...root, ...build]);
  }
}
