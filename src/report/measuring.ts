import { randomUUID } from "node:crypto";
import { readFile, rename, rm, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { asError } from "../errors.ts";
import {
  type Figures,
  keeping,
  type Metrics,
  metricsJson,
  metricsOf,
  type Subject,
} from "./metrics.ts";
import { openMetrics, readOpenMetrics } from "./open-metrics.ts";
import type { Report } from "./report.ts";

/** What a run knows of its own measuring, also before its inputs have been read. */
export interface Measured {
  /** The path on the runner to write the metrics to. */
  readonly file: string | undefined;
  readonly subject: Subject;
}

/** Takes note of figures while an operation runs, and of the database once it is known. */
export type Measure = (figures: Figures, known: Pick<Subject, "engine" | "database">) => void;

export interface Measuring {
  readonly measure: Measure;
  /** Publishes what was measured: as the output `metrics` and in the file. One that cannot be written is a warning. */
  end(succeeded: boolean): Promise<void>;
}

/** @param measured undefined for a run that has no metrics */
export function measuring(measured: Measured | undefined, report: Report): Measuring {
  let figures: Figures = {};
  let known: Partial<Subject> = {};
  return {
    measure: (more, of) => {
      figures = { ...figures, ...more };
      known = of;
    },
    end: async (succeeded) => {
      if (!measured) return;
      const subject = { ...measured.subject, ...known };
      const now = metricsOf(subject, figures, { succeeded, at: new Date() });
      const { file } = measured;
      const metrics = succeeded || file === undefined ? now : keeping(now, await lastIn(file));
      report.outputs({ metrics: metricsJson(metrics) });
      if (file !== undefined) await write(file, metrics, report);
    },
  };
}

/** A file that is not there or cannot be read has nothing to keep; whether it can be written will show. */
async function lastIn(file: string): Promise<Metrics | undefined> {
  const text = await readFile(file, "utf8").catch(() => "");
  return readOpenMetrics(text);
}

/** Never half: a collector may read at any moment, and takes only files that end in `.prom`. */
async function write(file: string, metrics: Metrics, report: Report): Promise<void> {
  const fresh = join(dirname(file), `.${basename(file)}.${randomUUID()}`);
  try {
    await writeFile(fresh, openMetrics(metrics), { mode: 0o644, flag: "wx" });
    await rename(fresh, file);
  } catch (error) {
    await rm(fresh, { force: true }).catch(() => undefined);
    report.warning(`${file} was not written: ${asError(error).message}`, {
      title: "No metrics file",
    });
  }
}
