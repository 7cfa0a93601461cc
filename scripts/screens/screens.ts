// Makes docs/images/ anew: what GitHub shows of a real run, of which the markdown is kept beside the pictures. It wants Chromium, which it
// installs when it may.
import { existsSync, writeFileSync } from "node:fs";
import { output } from "../../test/servers/command.ts";
import { asRoot } from "../../test/servers/tools.ts";
import { globalSetup, globalTeardown } from "../../test/setup.ts";
import { browser, openCamera } from "./camera.ts";
import { nightlyBackups } from "./nights.ts";
import { summaryPage, themes } from "./page.ts";

await installBrowser();
await globalSetup();
try {
  const summary = await nightlyBackups(14, 400_000);
  writeFileSync("docs/images/summary.md", summary);
  await using camera = await openCamera();
  for (const theme of Object.values(themes)) {
    const picture = await camera.shoot(summaryPage(summary, "backup", theme), theme.mermaid);
    writeFileSync(`docs/images/${theme.file("summary")}`, picture);
  }
} finally {
  await globalTeardown();
}

/** With the fonts that GitHub's pages name. */
async function installBrowser(): Promise<void> {
  if (existsSync(browser)) return;
  const root = await asRoot();
  if (!root) throw new Error(`install Chromium as ${browser}`);
  const apt = [...root, "env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-qq"];
  const packages = ["chromium", "fonts-noto-core", "fonts-liberation"];
  await output([...apt, "update"]);
  await output([...apt, "install", "--no-install-recommends", ...packages]);
}
