import { data, Evaluator, Lexer, Parser } from "@actions/expressions";
import type { FunctionDefinition } from "@actions/expressions/funcs/info";
import { type Token, TokenType } from "@actions/expressions/lexer";
import { truthy } from "@actions/expressions/result";
import { Fault, UnsupportedError } from "./fault.ts";
import type { Json, JsonMapping, Texts } from "./json.ts";
import {
  type BasicExpressionToken,
  isBasicExpression,
  isBoolean,
  isMapping,
  isNumber,
  isSequence,
  isString,
  type TemplateToken,
} from "./parser.ts";

/** What expressions see, by name: `github`, `inputs`, `needs`… */
export type Contexts = JsonMapping;

/** What the status functions of a condition answer; `always()` needs nobody to tell. */
export interface Status {
  readonly success: boolean;
  readonly failure: boolean;
  readonly cancelled: boolean;
}

/** What a part of a workflow says once its expressions are evaluated. @throws Fault */
export function evaluate(token: TemplateToken, contexts: Contexts): Json {
  const value: Json = JSON.parse(JSON.stringify(reduce(token, contexts), data.replacer));
  return value;
}

/** The same where a text is wanted, or a number or boolean as text. @throws Fault */
export function textOf(token: TemplateToken, contexts: Contexts): string {
  const reduced = reduce(token, contexts);
  if (reduced.primitive) return reduced.coerceString();
  throw new Fault(`The template is not valid. Line ${token.line}: a text was expected`);
}

/** All entries of a mapping as texts; none when it is not there. @throws Fault */
export function textsOf(token: TemplateToken | undefined, contexts: Contexts): Texts {
  if (token === undefined) return {};
  const pairs = [...token.assertMapping("texts")];
  return Object.fromEntries(
    pairs.map(({ key, value }) => [key.toString(), textOf(value, contexts)]),
  );
}

/** Whether an `if` holds. @throws Fault */
export function holds(condition: BasicExpressionToken, contexts: Contexts, status: Status) {
  return truthy(compute(condition, contexts, functionsOf(status)));
}

function reduce(token: TemplateToken, contexts: Contexts): data.ExpressionData {
  if (isBasicExpression(token)) return compute(token, contexts, functionsOf(undefined));
  if (isSequence(token)) return new data.Array(...[...token].map((item) => reduce(item, contexts)));
  if (isMapping(token)) {
    const pairs = [...token].map(({ key, value }) => ({
      key: textOf(key, contexts),
      value: reduce(value, contexts),
    }));
    return new data.Dictionary(...pairs);
  }
  if (isString(token)) return new data.StringData(token.value);
  if (isBoolean(token)) return new data.BooleanData(token.value);
  if (isNumber(token)) return new data.NumberData(token.value);
  if (token.isLiteral) return new data.Null();
  throw new UnsupportedError(`line ${token.line}: ${token.typeName()}`);
}

type Functions = ReadonlyMap<string, FunctionDefinition>;

function compute(
  { expression, line }: BasicExpressionToken,
  contexts: Contexts,
  functions: Functions,
): data.ExpressionData {
  try {
    const parsed = new Parser(tokensOf(expression), contextNames, [...functions.values()]).parse();
    return new Evaluator(parsed, dictionaryOf(contexts), new Map(functions)).evaluate();
  } catch (error) {
    if (error instanceof UnsupportedError) throw error;
    const at = line === undefined ? "" : ` Line ${line}:`;
    const cause = error instanceof Error ? error.message : String(error);
    throw new Fault(`The template is not valid.${at} ${cause} in ${expression}`, { cause: error });
  }
}

/** The lexer takes the first pair of quotes in a text for one quote, and leaves the others; GitHub itself does not. */
function tokensOf(expression: string): Token[] {
  return new Lexer(expression).lex().tokens.map((token) => {
    if (token.type !== TokenType.STRING) return token;
    return { ...token, value: token.lexeme.slice(1, -1).replaceAll("''", "'") };
  });
}

/** All that there are ("Contexts reference"); where which may be used, the parser has checked. */
const contextNames =
  "github env vars job jobs steps runner secrets strategy matrix needs inputs".split(" ");

/** Contexts whose fields are GitHub's: one that is not there is a slip of the pen, or something that this runner lacks. */
const known = new Set(["github", "job", "runner", "strategy"]);

class Known extends data.Dictionary {
  readonly #prefix: string;

  constructor(prefix: string, pairs: ConstructorParameters<typeof data.Dictionary>) {
    super(...pairs);
    this.#prefix = prefix;
  }

  override get(key: string): data.ExpressionData {
    const value = super.get(key);
    if (value === undefined) throw new UnsupportedError(`${this.#prefix}${key} is not known`);
    return value;
  }
}

function dictionaryOf(contexts: Contexts): data.Dictionary {
  const pairs = Object.entries(contexts).map(([name, context]) => {
    const value = toExpression(context);
    const isKnown = known.has(name) && value instanceof data.Dictionary;
    return { key: name, value: isKnown ? new Known(`${name}.`, value.pairs()) : value };
  });
  return new Known("", pairs);
}

/** A value as expressions know it. */
export function toExpression(value: Json): data.ExpressionData {
  const expression: data.ExpressionData = JSON.parse(JSON.stringify(value), data.reviver);
  return expression;
}

/** @param status undefined outside of conditions */
function functionsOf(status: Status | undefined): Functions {
  const answers = { always: true, ...status };
  const hashFiles = {
    name: "hashFiles",
    minArgs: 1,
    maxArgs: 255,
    call: () => unsupported("hashFiles"),
  };
  const functions = Object.entries(answers).map(([name, answer]) => ({
    name,
    minArgs: 0,
    maxArgs: Number.MAX_SAFE_INTEGER,
    call: (...jobs: readonly data.ExpressionData[]) =>
      jobs.length > 0 ? unsupported(`${name}() of single jobs`) : new data.BooleanData(answer),
  }));
  return new Map([hashFiles, ...functions].map((one) => [one.name.toLowerCase(), one]));
}

function unsupported(what: string): never {
  throw new UnsupportedError(`${what} is not supported`);
}
