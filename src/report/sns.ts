import type { SNSClientConfig } from "@aws-sdk/client-sns";
import { asError, ConnectionError, HoldfastError } from "../errors.ts";
import type { Message } from "./message.ts";

/** A topic that people and machines have subscribed to. */
export interface Topic {
  readonly arn: string;
  /** @throws ConnectionError */
  publish(message: Message, signal: AbortSignal): Promise<void>;
}

/** A standard topic of Amazon SNS. @param credentials undefined for the AWS SDK's own */
export function topic(arn: string, credentials: SNSClientConfig["credentials"]): Topic {
  return {
    arn,
    publish: async (message, signal) => {
      try {
        await publish(arn, credentials, message, signal);
      } catch (thrown) {
        // Credentials say best what they lack.
        if (thrown instanceof HoldfastError) throw thrown;
        throw unpublished(arn, signal.aborted ? tooLate : asError(thrown));
      }
    },
  };
}

async function publish(
  arn: string,
  credentials: SNSClientConfig["credentials"],
  { subject, body, attributes }: Message,
  abortSignal: AbortSignal,
): Promise<void> {
  const { PublishCommand, SNSClient } = await import("@aws-sdk/client-sns");
  const sns = new SNSClient({
    region: regionOf(arn),
    ...(credentials !== undefined && { credentials }),
    maxAttempts: 4,
    requestHandler: { connectionTimeout: 3_000, socketTimeout: 5_000 },
  });
  const given = Object.entries(attributes).map(
    ([name, StringValue]) => [name, { DataType: "String", StringValue }] as const,
  );
  const asked = { TopicArn: arn, Subject: subject, Message: body };
  const command = new PublishCommand({ ...asked, MessageAttributes: Object.fromEntries(given) });
  try {
    await sns.send(command, { abortSignal });
  } finally {
    sns.destroy();
  }
}

const tooLate = new DOMException("it did not answer in time", "TimeoutError");

function regionOf(arn: string): string {
  return arn.split(":")[3] ?? "";
}

function unpublished(arn: string, cause: Error): ConnectionError {
  const code = codeOf(cause);
  const [said = ""] = cause.message.split("\n");
  const hint = hintFor(code, arn);
  return new ConnectionError(`Publish to ${arn} failed: ${code}: ${said}`, {
    hint,
    transient: false,
    cause,
  });
}

/** The code of an SNS error ("Publish" in its API Reference), of a Node error, or its name. */
function codeOf(error: Error): string {
  if ("code" in error && typeof error.code === "string") return error.code;
  return error.name.replace(/Exception$/, "");
}

function hintFor(code: string, arn: string): string {
  if (/^(AuthorizationError|AccessDenied)/.test(code))
    return `Allow sns:Publish on ${arn} in the policy of the role, and check the topic's own policy.`;
  if (code === "NotFound")
    return "Check `sns-topic-arn`: there is no such topic in that region and account.";
  if (code === "CredentialsProviderError")
    return "There are no AWS credentials: set `role-to-assume`.";
  if (code.startsWith("KMS"))
    return "The topic is encrypted: the role needs kms:GenerateDataKey and kms:Decrypt on its key, which must be enabled.";
  if (/^E[A-Z_]+$|Timeout/.test(code))
    return "Check the region in `sns-topic-arn`, and whether the runner may open connections to Amazon SNS.";
  return 'The code is explained under "Publish" in the Amazon SNS API Reference.';
}
