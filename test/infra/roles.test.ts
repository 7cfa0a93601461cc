import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { isAllowed, type Policy } from "../servers/policy.ts";
import { rehearsalsOf } from "./rehearsals.ts";
import { repository, type RoleName, roleNames, roleOf } from "./role.ts";
import { type Played, type Rehearsal, Stage } from "./stage.ts";
import { stackOf } from "./template.ts";

/** One thing that a policy allows, and the policy without it. */
interface Loss {
  readonly what: string;
  /** What is lost, as a policy of its own. */
  readonly lost: Policy;
  readonly left: Policy;
}

/** Every action of a policy, and of the resources where a statement has several. */
function lossesOf({ Version, Statement }: Policy): readonly Loss[] {
  return Statement.flatMap((statement, index) => {
    const { Sid = "", Action, Resource } = statement;
    const loss = (what: string, all: Part, one: Part): Loss => ({
      what: `${what} in ${Sid}`,
      lost: { Version, Statement: [{ ...statement, ...one }] },
      left: { Version, Statement: Statement.toSpliced(index, 1, { ...statement, ...all }) },
    });
    const actions = Action.map((action) =>
      loss(action, { Action: Action.filter((other) => other !== action) }, { Action: [action] }),
    );
    if (Resource.length === 1) return actions;
    const resources = Resource.map((one) =>
      loss(one, { Resource: Resource.filter((other) => other !== one) }, { Resource: [one] }),
    );
    return [...actions, ...resources];
  });
}

type Part = Partial<Pick<Policy["Statement"][number], "Action" | "Resource">>;

const variants = {
  plain: {},
  "with a topic, a key and tags": {
    NotificationEmail: "ops@example.com",
    Encryption: "aws:kms",
    AllowObjectTags: "true",
  },
  "with Object Lock": { ObjectLockDays: "7" },
} as const;

/** What has been lost in an earlier stack: the same statement there had to do the same. */
const seen = new Set<string>();

for (const [name, parameters] of Object.entries(variants)) {
  const stack = stackOf({ Repository: repository, ...parameters });
  const rehearsals = rehearsalsOf(stack);

  describe(`of a stack ${name},`, { concurrency: 2 }, () => {
    let stage: Stage;
    before(async () => {
      stage = await Stage.open(stack);
    });
    after(() => stage[Symbol.asyncDispose]());

    const plays = new Map<Rehearsal, Promise<Played>>();
    const played = (rehearsal: Rehearsal): Promise<Played> => {
      const known = plays.get(rehearsal) ?? stage.play(rehearsal);
      plays.set(rehearsal, known);
      return known;
    };

    for (const rehearsal of rehearsals)
      test(`the role ${rehearsal.role} ${rehearsal.name}`, async () => {
        const { failure, refused } = await played(rehearsal);
        assert.ifError(failure);
        assert.deepEqual(refused, []);
      });

    /** Those operations that have used what is lost. */
    const concerned = async (role: RoleName, { lost }: Loss): Promise<readonly Rehearsal[]> => {
      const own = rehearsals.filter((rehearsal) => rehearsal.role === role);
      const uses = await Promise.all(own.map(async (rehearsal) => (await played(rehearsal)).used));
      return own.filter((_, index) => uses[index]?.some((asked) => isAllowed([lost], asked)));
    };

    for (const role of roleNames)
      for (const loss of lossesOf(roleOf(stack, role).policy)) {
        const title = `the role ${role} fails without ${loss.what}`;
        if (seen.has(title)) continue;
        seen.add(title);
        test(title, async () => {
          for (const rehearsal of await concerned(role, loss)) {
            const { failure, refused } = await stage.play(rehearsal, loss.left);
            if (!failure) continue;
            assert.ok(
              refused.some((asked) => isAllowed([loss.lost], asked)),
              failure.message,
            );
            return;
          }
          assert.fail("everything works without it");
        });
      }
  });
}
