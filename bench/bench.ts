// Measures Holdfast against the same job done with plain tools, in one run, and prints ratios. Everything runs on
// this machine; seconds differ from machine to machine, ratios hardly.
import { globalSetup, globalTeardown } from "../test/setup.ts";
import { measureBackup } from "./backup.ts";
import { measureRestore } from "./restore.ts";
import { measureSqliteRestore } from "./restore-sqlite.ts";
import { measureStream } from "./stream.ts";

await globalSetup();
try {
  const rows = [
    ...(await measureBackup()),
    ...(await measureStream()),
    ...(await measureRestore()),
    ...(await measureSqliteRestore()),
  ];
  console.log(`\n${rows.map(line).join("\n")}`);
  if (rows.some(({ met }) => !met)) process.exitCode = 1;
} finally {
  await globalTeardown();
}

/** One thing that is promised about speed or memory. */
export interface Finding {
  readonly what: string;
  readonly measured: string;
  readonly promised: string;
  readonly met: boolean;
}

function line({ what, measured, promised, met }: Finding): string {
  return `${met ? "ok    " : "MISSED"}  ${what}: ${measured} (promised: ${promised})`;
}
