import type { IncomingMessage } from "node:http";
import { refusal } from "./errors.ts";

/** What a signature is made over: "Create a canonical request" in the IAM User Guide. */
export function canonicalRequest(
  message: IncomingMessage,
  signed: readonly string[],
  payloadHash: string,
): string {
  const [path = "", query = ""] = splitOnce(message.url ?? "", "?");
  const headers = signed.map((name) => `${name}:${headerValue(message, name)}\n`).join("");
  const lines = [
    message.method,
    canonicalPath(path),
    canonicalQuery(query),
    headers,
    signed.join(";"),
  ];
  return [...lines, payloadHash].join("\n");
}

/** S3 encodes every segment of the path once; other services twice, which "/" does not show. */
function canonicalPath(path: string): string {
  return path.split("/").map(reencode).join("/");
}

function canonicalQuery(query: string): string {
  const pairs = query
    .split("&")
    .filter((pair) => pair !== "")
    .map((pair) => splitOnce(pair, "=").map(reencode));
  const compare = (a: string, b: string): number => Number(a > b) - Number(a < b);
  pairs.sort(([a = "", x = ""], [b = "", y = ""]) => compare(a, b) || compare(x, y));
  return pairs.map(([name, value = ""]) => `${name}=${value}`).join("&");
}

function splitOnce(text: string, separator: string): readonly string[] {
  const at = text.indexOf(separator);
  return at === -1 ? [text] : [text.slice(0, at), text.slice(at + 1)];
}

function reencode(text: string): string {
  return uriEncode(uriDecode(text));
}

/** @throws S3Error InvalidURI */
export function uriDecode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw refusal("InvalidURI", { details: { URI: text } });
  }
}

/** AWS's UriEncode: everything but the unreserved characters of RFC 3986. */
export function uriEncode(text: string): string {
  return encodeURIComponent(text).replace(
    /[!'()*]/g,
    (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

/** A header as it is signed: repeated ones joined, spaces trimmed. */
export function headerValue(message: IncomingMessage, name: string): string {
  const values = message.headersDistinct[name] ?? [];
  return values.map((value) => value.trim().replace(/ +/g, " ")).join(",");
}
