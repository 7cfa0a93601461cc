import assert from "node:assert/strict";
import { suite, test } from "node:test";
import {
  differencesIn,
  languageLines,
  partsOf,
  readTranslations,
  type Translation,
  type Version,
} from "./pages/translation.ts";

const translations = readTranslations();

/** Of so many letters and more, a text in Japanese has kana. */
const manyLetters = 12;
const kana = /[\p{Script=Hiragana}\p{Script=Katakana}]/u;
/** So many English words in a row are no name any more. */
const sentence = /([A-Za-z]+[ ,]+){4}/;

const isForeign = (prose: string): boolean =>
  sentence.test(prose) ||
  ([...prose.matchAll(/\p{L}/gu)].length >= manyLetters && !kana.test(prose));

function foreignIn(page: Version): readonly string[] {
  return partsOf(page)
    .filter(({ prose }) => isForeign(prose))
    .map(({ line, prose }) => `${page.path}:${line} ${prose}`);
}

suite("the Japanese pages", () => {
  for (const translation of translations) {
    const { english, japanese } = translation;

    test(`have in ${japanese.path} all that is in ${english.path}, and nothing else`, () => {
      assert.deepEqual(differencesIn(translation, translations), []);
    });

    test(`are in Japanese in ${japanese.path}`, () => {
      assert.deepEqual(foreignIn(japanese), []);
    });

    test(`lead from ${english.path} to ${japanese.path} and back`, () => {
      const lines = [english, japanese].map(({ text }) => text.split("\n")[2]);
      assert.deepEqual(lines, languageLines(translation));
    });
  }
});

suite("comparing a page with its translation", () => {
  const english = `# Shop

English | [日本語](ja/shop.md)

## To begin

Run \`list\`, then [restore](#to-restore), **now**. See [the other](other.md).

\`\`\`sh
ls
rm old
\`\`\`

* one
* two

| a | b |
|---|---|
| \`x\` | c |

<img src="a.png" alt="A shop">

## To restore

1. That is all.
   \`\`\`text
   done
   \`\`\`
`;
  const japanese = `# 店

[English](../shop.md) | 日本語

## はじめに

\`list\` を実行し、**すぐに**[リストア](#リストア)します。[ほか](../other.md)も参照してください。

\`\`\`sh
ls
rm old
\`\`\`

* いち
* に

| あ | い |
|---|---|
| \`x\` | う |

<img src="../a.png" alt="店">

## リストア

1. 以上です。
   \`\`\`text
   done
   \`\`\`
`;
  const translated = (text: string): Translation => {
    return {
      english: { path: "docs/shop.md", text: english },
      japanese: { path: "docs/ja/shop.md", text },
    };
  };
  const compared = (from: string, to: string): readonly string[] => {
    const text = japanese.replace(from, to);
    assert.notEqual(text, japanese, from);
    const translation = translated(text);
    return differencesIn(translation, [translation]);
  };

  test("finds no difference where there are but other words", () => {
    const translation = translated(japanese);
    assert.deepEqual(differencesIn(translation, [translation]), []);
  });

  const faults: readonly (readonly [title: string, from: string, to: string, said: string])[] = [
    [
      "a heading of another level",
      "## リストア",
      "### リストア",
      "docs/shop.md:23 (heading of level 2) is what docs/ja/shop.md:23 (heading of level 3) should be",
    ],
    [
      "an item too many",
      "* に",
      "* に\n* さん",
      "docs/shop.md:14 (list of 2 items) is what docs/ja/shop.md:14 (list of 3 items) should be",
    ],
    [
      "a row that is missing",
      "| `x` | う |\n",
      "",
      "docs/shop.md:17 (table of 2 columns and 1 rows) is what docs/ja/shop.md:17 (table of 2 columns and 0 rows) should be",
    ],
    [
      "a paragraph that is missing",
      "   ```text\n   done\n   ```\n",
      "",
      "docs/shop.md:26 (block of text) is what the end of docs/ja/shop.md should be",
    ],
    [
      "a command that was changed",
      "rm old",
      "rm new",
      "docs/shop.md:9 (block of sh), docs/ja/shop.md:9 (block of sh): line 2 of it",
    ],
    [
      "code that was lost in a cell",
      "| `x` |",
      "| x |",
      "docs/shop.md:19 (cell), docs/ja/shop.md:19 (cell): code x is missing",
    ],
    [
      "bold type that a bracket has broken",
      "**すぐに**",
      "**「すぐに」**に",
      "docs/shop.md:7 (paragraph), docs/ja/shop.md:7 (paragraph): 1 stretches in bold or italics, but 0",
    ],
    [
      "an image of another page",
      "../a.png",
      "a.png",
      "docs/shop.md:21 (piece of HTML), docs/ja/shop.md:21 (piece of HTML): link ../a.png is missing",
    ],
  ];
  for (const [title, from, to, said] of faults) {
    test(`tells the place of ${title}`, () => {
      assert.equal(compared(from, to)[0], said);
    });
  }

  test("tells what was left in English", () => {
    const text = japanese
      .replace("以上です。", "That is all there is.")
      .replace("いち", "Just another one");
    assert.deepEqual(foreignIn({ path: "docs/ja/shop.md", text }), [
      "docs/ja/shop.md:14 Just another one",
      "docs/ja/shop.md:25 That is all there is.",
    ]);
  });

  test("wants links to lead to the Japanese page where there is one, and to its own headings", () => {
    const other = {
      english: { path: "docs/other.md", text: "# Other" },
      japanese: { path: "docs/ja/other.md", text: "# ほか" },
    };
    const place = "docs/shop.md:7 (paragraph), docs/ja/shop.md:7 (paragraph): link";
    assert.deepEqual(differencesIn(translated(japanese), [translated(japanese), other]), [
      `${place} other.md is missing`,
      `${place} ../other.md should not be there`,
    ]);
    assert.deepEqual(compared("(#リストア)", "(#to-restore)"), [
      `${place} #リストア is missing`,
      `${place} #to-restore should not be there`,
    ]);
  });
});
