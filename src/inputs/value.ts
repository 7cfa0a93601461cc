import { isIPv6 } from "node:net";
import { type Field, type Parse, refuse } from "./field.ts";

const alternatives = new Intl.ListFormat("en", { type: "disjunction" });

export const text: Parse<string> = (field) => field.text;

export function matching(pattern: RegExp, allowed: string): Parse<string> {
  return (field) => (pattern.test(field.text) ? field.text : refuse(field, allowed));
}

export function oneOf<const T extends string>(allowed: readonly T[]): Parse<T> {
  return (field) =>
    allowed.find((value) => value === field.text) ?? refuse(field, alternatives.format(allowed));
}

/** The booleans of YAML 1.2's core schema, as the Actions toolkit reads them. */
export const boolean: Parse<boolean> = (field) => {
  if (/^(true|True|TRUE)$/.test(field.text)) return true;
  if (/^(false|False|FALSE)$/.test(field.text)) return false;
  return refuse(field, "true or false");
};

export function wholeNumber(min: number, max: number): Parse<number> {
  return numeral(
    /^\d{1,15}$/,
    (value) => value >= min && value <= max,
    `a whole number from ${min} to ${max}`,
  );
}

export const port = wholeNumber(1, 65_535);

export function isPort(value: number): boolean {
  return value >= 1 && value <= 65_535;
}

/** A share of a whole, 0 to 1. */
export const ratio = numeral(/^\d(\.\d+)?$/, (value) => value <= 1, "a number from 0 to 1");

const longestMinutes = 7200;

/** Minutes, which may have decimals, as milliseconds. No job lasts longer than five days. */
export const minutes: Parse<number> = (field) => toMinutes(field) * 60_000;

const toMinutes = numeral(
  /^\d{1,9}(\.\d+)?$/,
  (value) => value > 0 && value <= longestMinutes,
  `a number of minutes above 0, at most ${longestMinutes}`,
);

/** Only plain decimal digits: `Number` would take "1e3", "0x10" and " " for numbers too. */
function numeral(
  pattern: RegExp,
  inRange: (value: number) => boolean,
  allowed: string,
): Parse<number> {
  return (field) => {
    const value = Number(field.text);
    return pattern.test(field.text) && inRange(value) ? value : refuse(field, allowed);
  };
}

/** `key=value`; the value may hold further `=` and may be empty. */
export const keyValue: Parse<readonly [key: string, value: string]> = (field) => {
  const [, key, value] = /^([^=\s]+)=(.*)$/.exec(field.text) ?? [];
  if (key === undefined || value === undefined) return refuse(field, "a line `key=value`");
  return [key, value];
};

/** A name or an address, an IPv6 address with or without brackets. */
export const hostName: Parse<string> = (field) =>
  bareHost(field.text) ?? refuse(field, "a host name or an address, without a user or a port");

/** The host that a text names, without brackets; undefined when it names none. */
export function bareHost(text: string): string | undefined {
  const address = text.replace(/^\[(.*)\]$/, "$1");
  if (isIPv6(address)) return address;
  return /^\w[\w.-]*$/.test(text) ? text : undefined;
}

/** An http or https URL that names a server, without credentials. */
export const httpUrl: Parse<string> = (field) => {
  const url = URL.parse(field.text);
  if (url?.username || url?.password)
    return refuse(withoutCredentials(field, url), "free of credentials");
  return /^https?:$/.test(url?.protocol ?? "")
    ? field.text
    : refuse(field, "an http:// or https:// URL");
};

function withoutCredentials({ name }: Field, url: URL): Field {
  return { name, text: `${url.protocol}//…@${url.host}` };
}
