import { Marked } from "marked";

/** GitHub's two looks: colours of its design system (Primer), and the theme that it gives to mermaid. */
export const themes = {
  light: {
    file: (name: string) => `${name}.png`,
    mermaid: "default",
    text: "#1f2328",
    muted: "#59636e",
    page: "#ffffff",
    raised: "#f6f8fa",
    line: "#d1d9e0",
    code: "#818b981f",
  },
  dark: {
    file: (name: string) => `${name}-dark.png`,
    mermaid: "dark",
    text: "#f0f6fc",
    muted: "#9198a1",
    page: "#0d1117",
    raised: "#151b23",
    line: "#3d444d",
    code: "#656c7633",
  },
} as const;

export type Theme = (typeof themes)[keyof typeof themes];

const markdown = new Marked({
  gfm: true,
  renderer: {
    code: ({ lang, text }) => (lang === "mermaid" ? `<pre class="mermaid">${text}</pre>` : false),
  },
});

/** A job's summary as HTML, in the frame that GitHub shows it in. Mermaid's diagrams are still text. */
export function summaryPage(summary: string, job: string, theme: Theme): string {
  return `<!doctype html>
<meta charset="utf-8">
<style>${css(theme)}</style>
<article>
  <header>${job} summary</header>
  <main>${markdown.parse(summary, { async: false })}</main>
  <footer>Job summary generated at run-time</footer>
</article>
`;
}

/** As much of GitHub's style sheet as a summary needs. */
function css({ text, muted, page, raised, line, code }: Theme): string {
  return `
    body { margin: 16px; background: ${page}; color: ${text}; font: 14px/1.5 "Noto Sans", Helvetica, Arial, sans-serif; }
    article { border: 1px solid ${line}; border-radius: 6px; overflow: hidden; }
    header { padding: 12px 16px; background: ${raised}; border-bottom: 1px solid ${line}; font-weight: 600; }
    main { padding: 8px 32px 0; font-size: 16px; }
    footer { padding: 12px 32px; border-top: 1px solid ${line}; color: ${muted}; font-size: 12px; }
    h3 { margin: 24px 0 16px; font-size: 20px; font-weight: 600; line-height: 1.25; }
    table { margin: 0 0 16px; border-spacing: 0; border-collapse: collapse; }
    th, td { padding: 6px 13px; border: 1px solid ${line}; text-align: left; }
    tr:nth-child(2n) { background: ${raised}; }
    code { padding: .2em .4em; border-radius: 6px; background: ${code}; font: 85% "Liberation Mono", monospace; overflow-wrap: anywhere; }
    details, pre { margin: 0 0 16px; }
    .mermaid { text-align: center; }
  `;
}
