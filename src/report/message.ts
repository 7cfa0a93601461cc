import type { Series } from "../backup/failing.ts";
import type { Shown } from "./failure.ts";
import { timeText } from "./quantities.ts";

/** A message for people who do not look at the workflow. */
export interface Message {
  /** One line of at most 99 ASCII characters. */
  readonly subject: string;
  readonly body: string;
  /** What subscribers may filter by. None is empty. */
  readonly attributes: Readonly<Record<string, string>>;
}

/** What a run was about, as far as its inputs say. No text here holds a secret. */
export interface Errand {
  readonly operation: string;
  readonly engine: string | undefined;
  readonly database: string | undefined;
  /** `s3://BUCKET/PREFIX` */
  readonly place: string | undefined;
  /** The URL of the run. */
  readonly run: string | null;
  /** When it ended. */
  readonly at: Date;
}

/** @param series all failures up to this one; undefined when nobody knows how many there were */
export function failureMessage(
  errand: Errand,
  { message, hint, causes }: Shown,
  series: Series | undefined,
): Message {
  const often = series && series.failures > 1 ? ` (${ordinal(series.failures)} in a row)` : "";
  const body = [
    `${whole(errand)} failed at ${timeText(errand.at)}.`,
    [message, `What to do: ${hint}`, ...causes].map(plain).join("\n"),
    [seriesText(series), ...origin(errand)].join("\n"),
    ["To look further:", ...lookFurther(errand)].join("\n"),
  ];
  return {
    subject: subject(errand, `failed${often}`),
    body: `${body.join("\n\n")}\n`,
    attributes: attributes(errand, "failed"),
  };
}

/** @param series the failures before */
export function recoveryMessage(errand: Errand, series: Series): Message {
  const { failures, since, message, run } = series;
  const count = failures === 1 ? "1 failure" : `${failures} failures`;
  const body = [
    `${whole(errand)} succeeded at ${timeText(errand.at)}, after ${count} in a row since ${timeText(new Date(since))}.`,
    `The last failure was: ${plain(message)}${run === null ? "" : `\nIts run: ${run}`}`,
    origin(errand).join("\n"),
  ];
  return {
    subject: subject(errand, `works again (after ${count})`),
    body: `${body.filter((part) => part !== "").join("\n\n")}\n`,
    attributes: attributes(errand, "recovered"),
  };
}

/** How long one text of an error may be: somebody reads this on a telephone, and SNS takes no more than 256 KiB. */
const longest = 4_000;

/** What SNS and mail take: no control characters, as remote tools print them for colours. */
function plain(text: string): string {
  const whole = text.toWellFormed().replaceAll(/(?!\n|\t)\p{Cc}/gu, "?");
  return whole.length > longest ? `${whole.slice(0, longest)}…` : whole;
}

function whole({ operation, engine, database }: Errand): string {
  if (database === undefined) return `The operation ${operation}`;
  return `The operation ${operation} on the ${engine ? `${engine} ` : ""}database ${plain(database)}`;
}

function seriesText(series: Series | undefined): string {
  if (!series) return "Whether it has failed before is not known.";
  if (series.failures === 1) return "It did not fail the time before, as far as is known.";
  return `It is the ${ordinal(series.failures)} failure in a row, since ${timeText(new Date(series.since))}.`;
}

function origin({ run, place }: Errand): readonly string[] {
  return [
    ...(run === null ? [] : [`The run: ${run}`]),
    ...(place === undefined ? [] : [`The backups: ${place}`]),
  ];
}

function lookFurther({ place }: Errand): readonly string[] {
  return [
    "- The log and the summary of the run tell what it was doing.",
    "- `operation: list` shows the backups that are there, `operation: check` whether the newest can be relied on.",
    ...(place === undefined ? [] : [`- Without Holdfast: aws s3 ls --recursive ${place}/`]),
  ];
}

/** Amazon SNS API Reference, Publish: "ASCII text", no control characters, "less than 100 characters long". */
const subjectLength = 99;

/** The name gives way when there is too much: what has happened must be readable. */
function subject({ operation, database }: Errand, what: string): string {
  const start = `Holdfast: ${ascii(operation).slice(0, 20)}`;
  const room = subjectLength - start.length - what.length - " of  ".length;
  const name = ascii(database ?? "");
  const shown = name.length > room ? `${name.slice(0, room - 3)}...` : name;
  return shown === "" ? `${start} ${what}` : `${start} of ${shown} ${what}`;
}

function ascii(text: string): string {
  return text.replaceAll(/[^\x20-\x7e]/gu, "?");
}

function attributes(
  { operation, engine, database }: Errand,
  outcome: "failed" | "recovered",
): Message["attributes"] {
  return {
    operation: plain(operation),
    outcome,
    ...(database !== undefined && { database: plain(database) }),
    ...(engine !== undefined && { engine }),
  };
}

/** `1st`, `2nd`, `3rd`, `11th` */
function ordinal(count: number): string {
  const last = count % 10;
  const isTeen = Math.floor((count % 100) / 10) === 1;
  return `${count}${(!isTeen && ["th", "st", "nd", "rd"][last]) || "th"}`;
}
