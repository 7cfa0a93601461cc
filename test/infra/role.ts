import { z } from "zod";
import type { Claims } from "../servers/jwt.ts";
import { type OidcOptions, type OidcServer, startOidc } from "../servers/oidc.ts";
import { isAllowed, type Policy, readPolicy } from "../servers/policy.ts";
import { type StsServer, startSts } from "../servers/sts.ts";
import type { Stack } from "./template.ts";

export const roleNames = ["backup", "restore", "watch"] as const;
export type RoleName = (typeof roleNames)[number];

export const repository = "example/shop";

/** A role as a stack makes it. */
export interface Role {
  readonly name: RoleName;
  readonly arn: string;
  readonly trust: Policy;
  readonly policy: Policy;
}

const properties = z.object({
  AssumeRolePolicyDocument: z.json(),
  Policies: z.tuple([z.object({ PolicyDocument: z.json() })]),
});

export function roleOf({ resources, outputs }: Stack, name: RoleName): Role {
  const id = `${name.charAt(0).toUpperCase()}${name.slice(1)}Role`;
  const { AssumeRolePolicyDocument, Policies } = properties.parse(resources[id]?.Properties);
  return {
    name,
    arn: outputs[`${id}Arn`] ?? "",
    trust: readPolicy(AssumeRolePolicyDocument),
    policy: readPolicy(Policies[0].PolicyDocument),
  };
}

/** The policy of the stack's bucket. */
export function bucketPolicyOf({ resources }: Stack): Policy {
  return readPolicy(resources["BucketPolicy"]?.Properties["PolicyDocument"]);
}

/** Where jobs get tokens, and sessions of one role for them. */
export interface Desk extends AsyncDisposable {
  readonly oidc: OidcServer;
  readonly sts: StsServer;
}

/** @param job whose jobs they are, if not those that the role is for */
export async function openDesk(role: Role, job: Partial<OidcOptions> = {}): Promise<Desk> {
  await using opening = new AsyncDisposableStack();
  const oidc = opening.use(await startOidc({ repository, environment: role.name, ...job }));
  const sts = opening.use(await startSts({ oidc, admits: admissionTo(role) }));
  const opened = opening.move();
  return { oidc, sts, [Symbol.asyncDispose]: () => opened.disposeAsync() };
}

/** Decides by the role's trust policy. */
export function admissionTo({ arn, trust }: Role): (roleArn: string, claims: Claims) => boolean {
  return (roleArn, { iss, aud, sub }) => {
    const issuer = iss.replace("https://", "");
    const context = { [`${issuer}:aud`]: aud, [`${issuer}:sub`]: sub };
    const asked = { action: "sts:AssumeRoleWithWebIdentity", resource: arn, context };
    return roleArn === arn && isAllowed([trust], asked);
  };
}
