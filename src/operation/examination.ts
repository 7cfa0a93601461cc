import type { Step } from "../errors.ts";
import { HoldfastError } from "../errors.ts";
import type { Finding } from "../report/doctor.ts";
import { failureOf } from "../report/failure.ts";

/** One thing that a backup or a restore needs. */
export interface Examination {
  /** How its line and the `needs` of others call it. */
  readonly name: string;
  /** Earlier examinations without whose success there is nothing to look at; what was not examined at all stands in nobody's way. */
  readonly needs: readonly string[];
  /** What must be makes the doctor fail, what should be is a warning. */
  readonly weight: "must" | "should";
  /** Says what it found. @throws what is wrong, with what to do about it */
  readonly look: () => Promise<string>;
}

/**
 * Looks at one thing after the other, and at nothing behind what failed that needs it.
 *
 * @param tell is told each finding at once
 * @throws the reason of `signal` when that fires, which is no finding
 */
export async function examine(
  examinations: readonly Examination[],
  signal: AbortSignal,
  tell: (finding: Finding) => void,
): Promise<readonly Finding[]> {
  const findings: Finding[] = [];
  for (const examination of examinations) {
    const finding = await find(examination, findings);
    signal.throwIfAborted();
    findings.push(finding);
    tell(finding);
  }
  return findings;
}

async function find(
  { name, needs, weight, look }: Examination,
  before: readonly Finding[],
): Promise<Finding> {
  const lacks = before.filter((one) => needs.includes(one.name)).flatMap(causes);
  if (lacks.length > 0) return { name, state: "skipped", lacks: [...new Set(lacks)] };
  try {
    return { name, state: "ok", text: await look() };
  } catch (thrown) {
    const { message, hint } = failureOf(thrown);
    return { name, state: weight === "must" ? "failed" : "warning", text: message, fix: hint };
  }
}

/** What failed in the first place, when a finding leaves nothing to look at. */
function causes(finding: Finding): readonly string[] {
  if (finding.state === "skipped") return finding.lacks;
  return finding.state === "failed" ? [finding.name] : [];
}

/** One step of an attempt. */
interface Rung<T> {
  readonly name: string;
  /** What errors call it; undefined for the first, which all those are about that say nothing. */
  readonly step: Step | undefined;
  /** @param made what the attempt has made; undefined when a later step failed */
  readonly found: (made: T | undefined) => string;
}

/** The examinations of what is done in one go: when a step fails, those before it were fine. */
export function ladder<T>(
  attempt: () => Promise<T>,
  needs: readonly string[],
  rungs: readonly Rung<T>[],
): readonly Examination[] {
  const look = async (index: number, found: Rung<T>["found"]) => {
    try {
      return found(await attempt());
    } catch (thrown) {
      if (brokenRung(thrown, rungs) <= index) throw thrown;
      return found(undefined);
    }
  };
  return rungs.map(({ name, found }, index) => ({
    name,
    needs: index === 0 ? needs : rungs.slice(index - 1, index).map((rung) => rung.name),
    weight: "must",
    look: () => look(index, found),
  }));
}

function brokenRung<T>(thrown: unknown, rungs: readonly Rung<T>[]): number {
  const step = thrown instanceof HoldfastError ? thrown.step : undefined;
  return step === undefined ? 0 : rungs.findIndex((rung) => rung.step === step);
}
