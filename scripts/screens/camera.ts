import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";

const mermaid = fileURLToPath(import.meta.resolve("@mermaid-js/tiny"));

export const browser = "/usr/bin/chromium";

/** Takes pictures of pages by the Chromium that the system has. */
export interface Camera extends AsyncDisposable {
  /**
   * @param html whose `.mermaid` elements are drawn first, in one of mermaid's themes
   * @returns a PNG of the whole page
   */
  shoot(html: string, mermaidTheme: string): Promise<Buffer>;
}

export async function openCamera(): Promise<Camera> {
  const root = process.getuid?.() === 0;
  // Chromium's sandbox refuses to work for root. The pages are our own.
  const started = await chromium.launch({ executablePath: browser, chromiumSandbox: !root });
  return {
    async shoot(html, mermaidTheme) {
      const viewport = { width: 900, height: 800 };
      const page = await started.newPage({ viewport });
      await page.setContent(html);
      await page.addScriptTag({ path: mermaid });
      await page.evaluate(`mermaid.initialize({ theme: "${mermaidTheme}" }); mermaid.run()`);
      const picture = await page.screenshot({ fullPage: true });
      await page.close();
      return picture;
    },
    [Symbol.asyncDispose]: () => started.close(),
  };
}
