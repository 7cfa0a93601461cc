import { randomUUID } from "node:crypto";
import type { Session } from "./assumption.ts";
import type { Claims } from "./jwt.ts";
import { type Xml, xmlDocument } from "./s3/xml.ts";

const NAMESPACE = "https://sts.amazonaws.com/doc/2011-06-15/";

export function assumedXml(session: Session, { sub, aud, iss }: Claims): readonly Xml[] {
  return [
    [
      "Credentials",
      [
        ["AccessKeyId", session.accessKeyId],
        ["SecretAccessKey", session.secretAccessKey],
        ["SessionToken", session.sessionToken],
        ["Expiration", session.expires.toISOString()],
      ],
    ],
    [
      "AssumedRoleUser",
      [
        ["Arn", session.arn],
        ["AssumedRoleId", "AROAEXAMPLE:session"],
      ],
    ],
    ["SubjectFromWebIdentityToken", sub],
    ["Audience", aud],
    ["Provider", iss],
  ];
}

export function resultDocument(action: string, result: readonly Xml[]): string {
  const children: Xml[] = [
    [`${action}Result`, result],
    ["ResponseMetadata", [["RequestId", requestId()]]],
  ];
  return xmlDocument(`${action}Response`, children, NAMESPACE);
}

export function errorDocument(code: string, message: string): string {
  const error: Xml = [
    "Error",
    [
      ["Type", "Sender"],
      ["Code", code],
      ["Message", message],
    ],
  ];
  return xmlDocument("ErrorResponse", [error, ["RequestId", requestId()]], NAMESPACE);
}

function requestId(): string {
  return randomUUID();
}
