import { randomBytes } from "node:crypto";
import type { ServerResponse } from "node:http";
import { pipeline } from "node:stream/promises";
import type { Answer } from "./call.ts";
import type { S3Error } from "./errors.ts";
import { type Xml, xmlDocument } from "./xml.ts";

/** S3's error document ("Error responses" in the S3 API reference); it has no namespace. */
export function errorAnswer(error: S3Error, resource: string, requestId: string): Answer {
  const document = xmlDocument(
    "Error",
    [
      ["Code", error.code],
      ["Message", error.message],
      ...Object.entries(error.details).map(([name, value]): Xml => [name, value]),
      ["Resource", resource],
      ["RequestId", requestId],
      ["HostId", hostId(requestId)],
    ],
    "",
  );
  const headers = { "content-type": "application/xml", ...error.headers };
  return { status: error.status, headers, body: error.status === 304 ? undefined : document };
}

export function newRequestId(): string {
  return randomBytes(8).toString("hex").toUpperCase();
}

function hostId(requestId: string): string {
  return Buffer.from(`host of ${requestId}`).toString("base64");
}

/** Writes an answer to the end, or until the client is gone. */
export async function send(
  response: ServerResponse,
  answer: Answer,
  { requestId, date }: { readonly requestId: string; readonly date: Date },
): Promise<void> {
  response.writeHead(answer.status, {
    date: date.toUTCString(),
    server: "AmazonS3",
    "x-amz-request-id": requestId,
    "x-amz-id-2": hostId(requestId),
    ...lengthHeader(answer),
    ...answer.headers,
  });
  if (typeof answer.body === "object" && response.req.method !== "HEAD") {
    await pipeline(answer.body.chunks, response);
  } else {
    // Node leaves out the body of an answer to HEAD by itself.
    response.end(answer.body);
  }
}

function lengthHeader({ status, body }: Answer): Record<string, number> {
  if (status === 204 || status === 304) return {};
  if (typeof body === "object") return { "content-length": body.bytes };
  return { "content-length": Buffer.byteLength(body ?? "") };
}
