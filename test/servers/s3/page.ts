import { refusal } from "./errors.ts";
import { uriEncode } from "./canonical.ts";
import type { Xml } from "./xml.ts";

/** Something under a key that can be listed; `id` tells versions and uploads of one key apart. */
export interface Item {
  readonly key: string;
  readonly id: string;
  readonly xml: (names: NameEncoder) => Xml;
}

/** How names are written, as `encoding-type` asks. */
export type NameEncoder = (name: string) => string;

/** One line of a list: an item, or a prefix that stands for all keys which share it up to the delimiter. */
export interface Row {
  readonly name: string;
  readonly item: Item | undefined;
}

export interface Page {
  readonly rows: readonly Row[];
  /** The last row, when more follow. */
  readonly next: Row | undefined;
  readonly names: NameEncoder;
  readonly max: number;
}

/** Where the previous page ended; without `id`, at the end of everything called `name`. */
interface Marker {
  readonly name: string;
  readonly id: string | undefined;
}

/** The page that a list request means. `items` are in the order of their keys. */
export function pageOf(
  items: readonly Item[],
  query: URLSearchParams,
  { marker, maxName }: { readonly marker: Marker; readonly maxName: string },
): Page {
  const prefix = query.get("prefix") ?? "";
  const matching = items.filter(({ key }) => key.startsWith(prefix));
  const rest = afterMarker(rowsOf(matching, prefix, query.get("delimiter") ?? ""), marker);
  const max = readMax(query, maxName);
  const rows = rest.slice(0, max);
  const next = rest.length > max ? rows.at(-1) : undefined;
  return { rows, next, names: nameEncoder(query), max };
}

function rowsOf(items: readonly Item[], prefix: string, delimiter: string): readonly Row[] {
  const rows: Row[] = [];
  for (const item of items) {
    const end = delimiter === "" ? -1 : item.key.indexOf(delimiter, prefix.length);
    const name = end === -1 ? item.key : item.key.slice(0, end + delimiter.length);
    if (end === -1) rows.push({ name, item });
    else if (rows.at(-1)?.name !== name) rows.push({ name, item: undefined });
  }
  return rows;
}

function afterMarker(rows: readonly Row[], { name, id }: Marker): readonly Row[] {
  if (name === "") return rows;
  const at = rows.findIndex((row) => row.name === name && row.item?.id === id);
  return at === -1 ? rows.filter((row) => compareKeys(row.name, name) > 0) : rows.slice(at + 1);
}

/** S3's order: that of the UTF-8 bytes, which is not that of JavaScript's strings. */
export function compareKeys(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}

function readMax(query: URLSearchParams, name: string): number {
  const max = Number(query.get(name) ?? 1000);
  if (Number.isInteger(max) && max >= 0) return Math.min(max, 1000);
  throw refusal("InvalidArgument", {
    message: `Provided ${name} not an integer or within integer range`,
  });
}

function nameEncoder(query: URLSearchParams): NameEncoder {
  if (query.get("encoding-type") !== "url") return (name) => name;
  return (name) => uriEncode(name).replaceAll("%2F", "/");
}

/** The rows as S3 writes them: items in their order, then the common prefixes. */
export function rowsXml({ rows, names }: Page): readonly Xml[] {
  const items = rows.flatMap(({ item }) => (item === undefined ? [] : [item.xml(names)]));
  const prefixes = rows
    .filter(({ item }) => item === undefined)
    .map(({ name }): Xml => ["CommonPrefixes", [["Prefix", names(name)]]]);
  return [...items, ...prefixes];
}
