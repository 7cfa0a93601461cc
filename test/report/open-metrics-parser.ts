import assert from "node:assert/strict";

/** One family of gauges with one sample, all that ours are. */
export interface Family {
  readonly name: string;
  readonly unit: string | undefined;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

const metadata = /^# (TYPE|UNIT|HELP) ([a-zA-Z_:][a-zA-Z0-9_:]*) (.+)$/;
const sample = /^([a-zA-Z_:][a-zA-Z0-9_:]*)\{([^]*)\} ([-+]?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?)$/;
const label = /^([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\[\\"n])*)"(,(?=[a-zA-Z_])|$)/;

/**
 * Reads a text as strictly as OpenMetrics 1.0 defines it (sections "ABNF", "Overall Structure" and "MetricFamily"), as far as it
 * speaks of gauges. Timestamps of samples are refused too: the textfile collector of node_exporter does that.
 */
export function parseOpenMetrics(text: string): readonly Family[] {
  assert.ok(text.endsWith("\n# EOF\n") || text === "# EOF\n", "must end in # EOF and a line break");
  const families = new Map<string, Map<string, string>>();
  const found: Family[] = [];
  for (const line of text.split("\n").slice(0, -2)) {
    const [, kind = "", described = "", told = ""] = metadata.exec(line) ?? [];
    if (kind !== "") {
      const family = families.get(described) ?? new Map<string, string>();
      assert.ok(!family.has(kind), `a second ${kind}: ${line}`);
      assert.ok(!found.some(({ name }) => name === described), `after its sample: ${line}`);
      const open = [...families.keys()].at(-1);
      assert.ok(open === undefined || open === described || !families.has(described), line);
      families.set(described, family.set(kind, told));
    } else found.push(sampleOf(line, families));
  }
  assert.deepEqual(found.map(({ name }) => name).toSorted(), [...families.keys()].toSorted());
  return found;
}

function sampleOf(line: string, families: ReadonlyMap<string, Map<string, string>>): Family {
  const [, name = "", set = "", value = ""] =
    sample.exec(line) ?? assert.fail(`no sample: ${line}`);
  assert.equal([...families.keys()].at(-1), name, `not under its own TYPE: ${line}`);
  const family = families.get(name) ?? assert.fail(`not described: ${line}`);
  assert.equal(family.get("TYPE"), "gauge");
  assert.doesNotMatch(name, /_(total|count|sum|bucket|created|info|gcount|gsum)$/, "reserved");
  const unit = family.get("UNIT");
  assert.ok(
    unit === undefined || name.endsWith(`_${unit}`),
    `a name must end in its unit: ${name}`,
  );
  assert.match(family.get("HELP") ?? "", /^(?:[^"\\\n]|\\[\\"n])+$/);
  return { name, unit, labels: labelsOf(set), value: Number(value) };
}

function labelsOf(set: string): Readonly<Record<string, string>> {
  const labels = new Map<string, string>();
  for (let rest = set; rest !== ""; ) {
    const [whole, name = "", value = ""] = label.exec(rest) ?? assert.fail(`no label: ${rest}`);
    assert.ok(!labels.has(name), `twice: ${name}`);
    labels.set(
      name,
      value.replaceAll(/\\(.)/g, (_, mark: string) => (mark === "n" ? "\n" : mark)),
    );
    rest = rest.slice(whole.length);
  }
  return Object.fromEntries(labels);
}
