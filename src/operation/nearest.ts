/** The texts that are most like `wanted`, at most three: those that begin and end most like it. */
export function nearest(wanted: string, texts: readonly string[]): readonly string[] {
  return texts
    .map((text) => ({ text, alike: commonStart(text, wanted) + commonEnd(text, wanted) }))
    .filter(({ alike }) => alike > 0)
    .toSorted((a, b) => b.alike - a.alike)
    .slice(0, 3)
    .map(({ text }) => text);
}

function commonStart(a: string, b: string): number {
  const most = Math.min(a.length, b.length);
  let length = 0;
  while (length < most && a[length] === b[length]) length++;
  return length;
}

function commonEnd(a: string, b: string): number {
  const most = Math.min(a.length, b.length);
  let length = 0;
  while (length < most && a.at(-1 - length) === b.at(-1 - length)) length++;
  return length;
}
