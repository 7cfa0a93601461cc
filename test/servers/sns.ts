import { createHash, randomUUID } from "node:crypto";
import { once } from "node:events";
import type { IncomingMessage } from "node:http";
import { text } from "node:stream/consumers";
import { Clock } from "./clock.ts";
import { listen } from "./listen.ts";
import { S3Error } from "./s3/errors.ts";
import { type CredentialLookup, verifySignature } from "./s3/signature.ts";
import { type Xml, xmlDocument } from "./s3/xml.ts";

/** A message as its topic got it. */
export interface Published {
  readonly subject: string;
  readonly body: string;
  readonly attributes: Readonly<Record<string, string>>;
}

export type SnsTrouble =
  /** The policy does not allow it. */
  | "denied"
  /** It fails inside. */
  | "500"
  /** No answer comes for as long as the client waits. */
  | "hang";

/** A running notification service with one topic. */
export interface SnsServer extends AsyncDisposable {
  readonly url: string;
  readonly topicArn: string;
  /** The endpoint, for processes that use the SDK. */
  readonly env: Readonly<Record<string, string>>;
  /** Every message that was taken, oldest first. */
  readonly published: Published[];
  /** What is wrong with it from now on. */
  trouble: SnsTrouble | undefined;
  readonly stop: () => Promise<void>;
}

const namespace = "http://sns.amazonaws.com/doc/2010-03-31/";

/** Starts a service that knows Publish alone, and takes what Amazon SNS would take. @param lookUp who may publish */
export async function startSns(lookUp: CredentialLookup, region: string): Promise<SnsServer> {
  const published: Published[] = [];
  const topicArn = `arn:aws:sns:${region}:123456789012:backups`;
  const { url, stop } = await listen((message, response) => {
    void answer(message).then(({ status, body }) => {
      response.writeHead(status, { "content-type": "text/xml" }).end(body);
    });
  });
  const server = {
    url,
    topicArn,
    env: { AWS_ENDPOINT_URL_SNS: url },
    published,
    trouble: undefined as SnsTrouble | undefined,
    stop,
    [Symbol.asyncDispose]: stop,
  };
  async function answer(message: IncomingMessage): Promise<{ status: number; body: string }> {
    const body = await text(message);
    try {
      if (server.trouble === "hang") return await hang(message);
      if (server.trouble === "500") throw new S3Error(500, "InternalFailure", "An internal error");
      checkSignature(message, body, lookUp, region);
      const denied = "User: backup is not authorized to perform: SNS:Publish";
      if (server.trouble === "denied") throw new S3Error(403, "AuthorizationError", denied);
      published.push(readPublish(new URLSearchParams(body), topicArn));
      return { status: 200, body: accepted() };
    } catch (error) {
      if (!(error instanceof S3Error)) throw error;
      return { status: error.status, body: refused(error) };
    }
  }
  return server;
}

/** The answer is for nobody by then. */
async function hang(message: IncomingMessage): Promise<{ status: number; body: string }> {
  await once(message.socket, "close");
  return { status: 503, body: "" };
}

function checkSignature(
  message: IncomingMessage,
  body: string,
  lookUp: CredentialLookup,
  region: string,
): void {
  const signer = verifySignature(message, {
    service: "sns",
    payloadHash: () => createHash("sha256").update(body).digest("hex"),
    lookUp,
    now: new Clock().now(),
  });
  if (signer.region !== region)
    throw new S3Error(403, "SignatureDoesNotMatch", `scoped to ${signer.region}, not ${region}`);
}

function invalid(message: string): S3Error {
  return new S3Error(400, "InvalidParameter", `Invalid parameter: ${message}`);
}

/** "Publish" in the Amazon SNS API Reference. */
function readPublish(form: URLSearchParams, topicArn: string): Published {
  const of = (name: string): string => form.get(name) ?? "";
  if (of("Action") !== "Publish") throw new S3Error(400, "InvalidAction", of("Action"));
  if (of("TopicArn") !== topicArn) throw new S3Error(404, "NotFound", "Topic does not exist");
  const [subject, body] = [of("Subject"), of("Message")];
  if (!/^[\x21-\x7e][\x20-\x7e]{0,98}$/.test(subject)) throw invalid("Subject");
  if (body === "" || Buffer.byteLength(body) > 262_144) throw invalid("Message too long");
  return { subject, body, attributes: readAttributes(of) };
}

function readAttributes(of: (name: string) => string): Published["attributes"] {
  const attributes: Record<string, string> = {};
  for (let index = 1; ; index += 1) {
    const entry = `MessageAttributes.entry.${index}`;
    const [name, value] = [of(`${entry}.Name`), of(`${entry}.Value.StringValue`)];
    if (name === "") return attributes;
    if (of(`${entry}.Value.DataType`) !== "String" || value === "") throw invalid(name);
    attributes[name] = value;
  }
}

function accepted(): string {
  const result: Xml = ["PublishResult", [["MessageId", randomUUID()]]];
  return xmlDocument("PublishResponse", [result, metadata()], namespace);
}

function refused({ code, message, status }: S3Error): string {
  const told: readonly Xml[] = [
    ["Type", status < 500 ? "Sender" : "Receiver"],
    ["Code", code],
    ["Message", message],
  ];
  return xmlDocument(
    "ErrorResponse",
    [
      ["Error", told],
      ["RequestId", randomUUID()],
    ],
    namespace,
  );
}

function metadata(): Xml {
  return ["ResponseMetadata", [["RequestId", randomUUID()]]];
}
