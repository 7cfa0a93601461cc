import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parse, YAMLMap } from "yaml";
import { z } from "zod";
import { Resolver, shortForms } from "./intrinsic.ts";

type Texts = Readonly<Record<string, string>>;

const path = join(import.meta.dirname, "../../infra/holdfast.yml");

/** The template as it is deployed. */
export const templateText = readFileSync(path, "utf8");

const parameter = z.object({
  Description: z.string(),
  Default: z.union([z.string(), z.number()]).optional(),
  AllowedPattern: z.string().optional(),
});
const resource = z.object({
  Type: z.string(),
  Condition: z.string().optional(),
  DeletionPolicy: z.string().optional(),
  Properties: z.record(z.string(), z.json()),
});
const assertion = z.object({ Assert: z.json(), AssertDescription: z.string() });
const templateSchema = z.object({
  Parameters: z.record(z.string(), parameter),
  Rules: z.record(z.string(), z.object({ Assertions: z.array(assertion) })),
  Conditions: z.record(z.string(), z.json()),
  Resources: z.record(z.string(), resource),
  Outputs: z.record(z.string(), z.object({ Condition: z.string().optional(), Value: z.json() })),
});

const tags = Object.entries(shortForms).flatMap(([tag, call]) => [
  { tag, resolve: (text: string) => ({ [call]: text }) },
  {
    tag,
    collection: "seq" as const,
    resolve(items: unknown) {
      const map = new YAMLMap();
      map.set(call, items);
      return map;
    },
  },
]);

export const template = templateSchema.parse(parse(templateText, { customTags: tags }));

/** What CloudFormation makes of the template, with names as it would make them up. */
export interface Stack {
  readonly resources: Readonly<Record<string, z.infer<typeof resource>>>;
  readonly outputs: Texts;
  /** What the template asserts of its parameters and does not hold. */
  readonly violations: readonly string[];
}

const arns = {
  Bucket: "arn:aws:s3:::backups",
  Key: "arn:aws:kms:eu-central-1:123456789012:key/1f2e3d4c",
  Topic: "arn:aws:sns:eu-central-1:123456789012:backups",
  OidcProvider: "arn:aws:iam::123456789012:oidc-provider/token.actions.githubusercontent.com",
  BackupRole: "arn:aws:iam::123456789012:role/stack-BackupRole",
  RestoreRole: "arn:aws:iam::123456789012:role/stack-RestoreRole",
  WatchRole: "arn:aws:iam::123456789012:role/stack-WatchRole",
};

const refs: Texts = {
  "AWS::AccountId": "123456789012",
  "AWS::Partition": "aws",
  "AWS::Region": "eu-central-1",
  "AWS::URLSuffix": "amazonaws.com",
  Bucket: "backups",
  Topic: arns.Topic,
  OidcProvider: arns.OidcProvider,
};

const attributes: Texts = Object.fromEntries(
  Object.entries(arns).map(([name, arn]) => [`${name}.Arn`, arn]),
);

/**
 * @param given parameters; what is not given is the default
 * @throws Error naming a parameter that is missing or that its pattern refuses
 */
export function stackOf(given: Texts): Stack {
  const { Conditions: conditions, Resources, Outputs, Rules } = template;
  const names = { refs: { ...refs, ...parametersFrom(given) }, attributes, conditions };
  const resolver = new Resolver(names);
  const exists = ({ Condition }: { readonly Condition?: string | undefined }): boolean =>
    Condition === undefined || resolver.isTrue({ Condition });
  const resources = Object.entries(Resources).filter(([, one]) => exists(one));
  const outputs = Object.entries(Outputs).filter(([, one]) => exists(one));
  const assertions = Object.values(Rules).flatMap(({ Assertions }) => Assertions);
  return {
    resources: Object.fromEntries(
      resources.map(([name, one]) => {
        const Properties = resource.shape.Properties.parse(resolver.resolve(one.Properties));
        return [name, { ...one, Properties }];
      }),
    ),
    outputs: Object.fromEntries(outputs.map(([name, { Value }]) => [name, resolver.text(Value)])),
    violations: assertions
      .filter(({ Assert }) => !resolver.isTrue(Assert))
      .map(({ AssertDescription }) => AssertDescription),
  };
}

function parametersFrom(given: Texts): Texts {
  const pairs = Object.entries(template.Parameters).map(([name, { Default, AllowedPattern }]) => {
    const value = given[name] ?? Default;
    if (value === undefined) throw new Error(`${name} is missing`);
    const pattern = AllowedPattern ?? "";
    if (new RegExp(pattern).test(String(value))) return [name, String(value)] as const;
    throw new Error(`${name} must match ${pattern}`);
  });
  return Object.fromEntries(pairs);
}
