import { readPolicy, type Policy } from "../servers/policy.ts";
import type { MotoServer } from "../servers/moto.ts";
import { parseXml, type XmlElement } from "../servers/s3/xml.ts";
import { templateText } from "./template.ts";

type Texts = Readonly<Record<string, string>>;

/** A stack that moto's CloudFormation has made. */
export interface Deployed {
  readonly outputs: Texts;
  /** The trust policy of a role, and what it may do. @param arn from the outputs */
  role(arn: string): Promise<{ readonly trust: Policy; readonly policy: Policy }>;
}

/** Creates a stack of the template, as the console or the command line does. */
export async function deploy(
  { url }: MotoServer,
  name: string,
  parameters: Texts,
): Promise<Deployed> {
  const pairs = Object.entries(parameters).flatMap(([key, value], index) => [
    [`Parameters.member.${index + 1}.ParameterKey`, key],
    [`Parameters.member.${index + 1}.ParameterValue`, value],
  ]);
  const stack = { StackName: name, TemplateBody: templateText, ...Object.fromEntries(pairs) };
  await ask(url, "cloudformation", { Action: "CreateStack", Version: "2010-05-15", ...stack });
  const described = await ask(url, "cloudformation", {
    Action: "DescribeStacks",
    Version: "2010-05-15",
    StackName: name,
  });
  const outputs = all(described, "member").map((member) => [
    textOf(member, "OutputKey"),
    textOf(member, "OutputValue"),
  ]);
  return {
    outputs: Object.fromEntries(outputs.filter(([key]) => key !== "")),
    async role(arn) {
      const RoleName = arn.split("/").at(-1) ?? "";
      const about = { Version: "2010-05-08", RoleName };
      const role = await ask(url, "iam", { Action: "GetRole", ...about });
      const names = await ask(url, "iam", { Action: "ListRolePolicies", ...about });
      const PolicyName = textOf(names, "member");
      const policy = await ask(url, "iam", { Action: "GetRolePolicy", PolicyName, ...about });
      return {
        trust: documentIn(textOf(role, "AssumeRolePolicyDocument")),
        policy: documentIn(textOf(policy, "PolicyDocument")),
      };
    },
  };
}

/** One request of the query protocol; moto looks at the signature's scope alone. */
async function ask(url: string, service: string, form: Texts): Promise<XmlElement> {
  const scope = `AKIAEXAMPLE/20260101/eu-central-1/${service}/aws4_request`;
  const authorization = `AWS4-HMAC-SHA256 Credential=${scope}, SignedHeaders=host, Signature=0`;
  const body = new URLSearchParams(form);
  const answer = await fetch(url, { method: "POST", body, headers: { authorization } });
  const text = await answer.text();
  if (!answer.ok) throw new Error(`${form["Action"]}: ${text}`);
  return parseXml(text);
}

/** All elements of that name, at any depth. */
function all(element: XmlElement, name: string): readonly XmlElement[] {
  const below = element.children.flatMap((child) => all(child, name));
  return element.name === name ? [element, ...below] : below;
}

function textOf(element: XmlElement, name: string): string {
  return all(element, name)[0]?.text.trim() ?? "";
}

/**
 * A policy as moto tells it: what its CloudFormation has made as Python prints it, with `None` where CloudFormation leaves
 * an element of a list out.
 */
function documentIn(text: string): Policy {
  const plain = text.startsWith("%") ? decodeURIComponent(text) : text;
  const json = plain.startsWith("{'")
    ? plain.replaceAll("'", '"').replaceAll(/\bNone\b/g, "null")
    : plain;
  return readPolicy(
    JSON.parse(json, (_, value: unknown) =>
      Array.isArray(value) ? value.filter((one) => one !== null) : value,
    ),
  );
}
