import type { Naming } from "../backup/key.ts";
import { template } from "../backup/template.ts";
import { zone } from "../backup/zone.ts";
import { optional, type Parse, type Read, refuse } from "./field.ts";

export function readNaming(read: Read): Naming {
  return {
    prefix: readPrefix(read),
    template: optional(read, "key-template", keyTemplate),
    timezone: optional(read, "timezone", timezone) ?? "UTC",
  };
}

export function readPrefix(read: Read): string {
  return optional(read, "prefix", prefix) ?? "database";
}

/** Slashes around it do not matter, but S3 keeps those inside it as they are: `a//b` is another place than `a/b`. */
const prefix: Parse<string> = (field) => {
  const parts = field.text.replaceAll(/^\/+|\/+$/g, "").split("/");
  const isRoot = parts.join("") === "";
  const isOdd = parts.some((part) => /^\.{0,2}$/.test(part)) || /\p{Cc}/u.test(field.text);
  return isRoot || !isOdd
    ? field.text
    : refuse(field, "names with a slash between each two, such as `database` or `prod/database`");
};

const keyTemplate: Parse<string> = ({ text }) => {
  template(text, "");
  return text;
};

const timezone: Parse<string> = ({ text }) => {
  zone(text);
  return text;
};
