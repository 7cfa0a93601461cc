import { z } from "zod";

export type Json = z.infer<ReturnType<typeof z.json>>;
type Texts = Readonly<Record<string, string>>;

/** What names stand for: parameters, pseudo parameters and resources. */
export interface Names {
  readonly refs: Texts;
  /** By `RESOURCE.Arn`. */
  readonly attributes: Texts;
  readonly conditions: Readonly<Record<string, Json>>;
}

/** What `AWS::NoValue` leaves: nothing, and nothing of the property or the element either. */
const nothing = Symbol("nothing");
type Resolved = Json | typeof nothing;

/** Resolves intrinsic functions ("Intrinsic function reference" in the CloudFormation User Guide), those that are used here. */
export class Resolver {
  readonly #names: Names;

  constructor(names: Names) {
    this.#names = names;
  }

  /** @throws Error for a name or a function that is not known */
  resolve(value: Json): Json {
    const resolved = this.#resolve(value);
    if (resolved === nothing) throw new Error("nothing stands there");
    return resolved;
  }

  text(value: Json): string {
    return String(scalar.parse(this.resolve(value)));
  }

  isTrue(value: Json): boolean {
    return z.boolean().parse(this.resolve(value));
  }

  #resolve(value: Json): Resolved {
    if (Array.isArray(value)) return value.map((one) => this.#resolve(one)).filter(isSomething);
    if (typeof value !== "object" || value === null) return value;
    const [[name, argument] = ["", null], ...others] = Object.entries(value);
    if (others.length === 0 && isCall(name)) return this.#call(name, argument);
    const pairs = Object.entries(value).map(([key, one]) => [key, this.#resolve(one)] as const);
    return Object.fromEntries(
      pairs.flatMap(([key, one]) => (one === nothing ? [] : [[key, one] as const])),
    );
  }

  #call(name: Call, argument: Json): Resolved {
    switch (name) {
      case "Ref":
        return argument === "AWS::NoValue" ? nothing : found(this.#names.refs, argument);
      case "Condition":
        return this.isTrue(found(this.#names.conditions, argument));
      case "Fn::GetAtt":
        return found(this.#names.attributes, argument);
      case "Fn::Sub":
        return this.#substituted(z.string().parse(argument));
      case "Fn::If":
        return this.#chosen(list.parse(argument));
      case "Fn::Equals":
        return new Set(list.parse(argument).map((one) => this.text(one))).size === 1;
      case "Fn::Not":
        return !list.parse(argument).some((one) => this.isTrue(one));
      case "Fn::Or":
        return list.parse(argument).some((one) => this.isTrue(one));
    }
  }

  #substituted(text: string): string {
    const { refs, attributes } = this.#names;
    return text.replaceAll(/\$\{([^}]+)\}/g, (_, name: string) =>
      found(name.includes(".") ? attributes : refs, name),
    );
  }

  #chosen([condition = null, yes = null, no = null]: readonly Json[]): Resolved {
    return this.#resolve(this.isTrue(found(this.#names.conditions, condition)) ? yes : no);
  }
}

const calls = [
  "Ref",
  "Condition",
  "Fn::GetAtt",
  "Fn::Sub",
  "Fn::If",
  "Fn::Equals",
  "Fn::Not",
  "Fn::Or",
] as const;
type Call = (typeof calls)[number];

/** The functions by their short forms in YAML: `!Sub X` is `{ "Fn::Sub": X }`. */
export const shortForms: Texts = Object.fromEntries(
  calls.map((call) => [`!${call.replace("Fn::", "")}`, call]),
);

const list = z.array(z.json());
const scalar = z.union([z.string(), z.number(), z.boolean()]);

function isCall(name: string): name is Call {
  return calls.some((call) => call === name);
}

function isSomething(value: Resolved): value is Json {
  return value !== nothing;
}

function found<T>(all: Readonly<Record<string, T>>, name: Json): T {
  const value = typeof name === "string" ? all[name] : undefined;
  if (value === undefined) throw new Error(`nothing is called ${JSON.stringify(name)}`);
  return value;
}
