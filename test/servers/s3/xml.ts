import { refusal } from "./errors.ts";

type Content = string | number | boolean | undefined | readonly Xml[];

/** An element to write. One whose content is undefined is left out. */
export type Xml = readonly [name: string, content: Content];

const NAMESPACE = "http://s3.amazonaws.com/doc/2006-03-01/";

/** A whole document, as the body of an answer. */
export function xmlDocument(name: string, content: Content, namespace = NAMESPACE): string {
  const xmlns = namespace === "" ? "" : ` xmlns="${namespace}"`;
  const inner = renderContent(content);
  return `<?xml version="1.0" encoding="UTF-8"?>\n<${name}${xmlns}>${inner}</${name}>`;
}

function render([name, content]: Xml): string {
  return content === undefined ? "" : `<${name}>${renderContent(content)}</${name}>`;
}

function renderContent(content: Content): string {
  if (typeof content === "object") return content.map(render).join("");
  return escapeText(String(content ?? ""));
}

function escapeText(text: string): string {
  // Control characters may stand in a key; S3 writes them as references although XML 1.0 forbids most.
  // oxlint-disable-next-line no-control-regex
  return text.replace(/[&<>"\u0000-\u001f]/g, (char) => `&#${char.charCodeAt(0)};`);
}

/** An element that was read. `text` is its own text, without that of its children. */
export interface XmlElement {
  readonly name: string;
  readonly text: string;
  readonly children: readonly XmlElement[];
}

/** The text of the first child of that name. */
export function childText(element: XmlElement, name: string): string | undefined {
  return element.children.find((child) => child.name === name)?.text;
}

interface Open {
  readonly name: string;
  text: string;
  readonly children: Open[];
}

const TOKEN = /<\?[^>]*>|<(?<close>\/?)(?<name>[^\s/>]+)[^>]*?(?<empty>\/?)>|(?<text>[^<]+)/g;

/**
 * Reads the small documents that S3 clients send: elements and text, no attributes, no CDATA.
 *
 * @throws S3Error MalformedXML
 */
export function parseXml(source: string): XmlElement {
  const root: Open = { name: "", text: "", children: [] };
  const path = [root];
  for (const { groups = {} } of source.matchAll(TOKEN)) step(path, groups);
  const [document, ...others] = root.children;
  if (path.length !== 1 || document === undefined || others.length > 0)
    throw refusal("MalformedXML");
  return document;
}

function step(path: Open[], token: Record<string, string | undefined>): void {
  const parent = path.at(-1);
  if (parent === undefined) throw refusal("MalformedXML");
  const { name, close, empty, text } = token;
  if (text !== undefined) parent.text += unescapeText(text);
  if (name === undefined) return;
  if (close === "/") {
    if (path.pop()?.name !== name) throw refusal("MalformedXML");
    return;
  }
  const element: Open = { name, text: "", children: [] };
  parent.children.push(element);
  if (empty === "") path.push(element);
}

const ENTITIES: Readonly<Record<string, string>> = {
  lt: "<",
  gt: ">",
  amp: "&",
  quot: '"',
  apos: "'",
};

function unescapeText(text: string): string {
  return text.replace(
    /&(#x?)?([0-9a-zA-Z]+);/g,
    (whole, numeric: string | undefined, body: string) => {
      if (numeric === undefined) return ENTITIES[body] ?? whole;
      return String.fromCodePoint(Number.parseInt(body, numeric === "#x" ? 16 : 10));
    },
  );
}
