import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { S3ServiceException } from "@aws-sdk/client-s3";
import { HoldfastError, InputError, StorageError } from "../../src/errors.ts";
import { type Asked, failure } from "../../src/storage/failure.ts";
import { MissingObjectError } from "../../src/storage/storage.ts";
import { startS3 } from "../servers/s3/index.ts";
import { openS3 } from "./store.ts";

const asked: Asked = { operation: "PutObject", bucket: "backups", key: "a/b" };

function refusal(name: string, httpStatusCode: number, details: object = {}): S3ServiceException {
  const base = { name, message: `${name} said`, $fault: "client", $metadata: { httpStatusCode } };
  return Object.assign(new S3ServiceException({ ...base, $fault: "client" }), details);
}

function nodeError(code: string): Error {
  return Object.assign(new Error(`connect ${code} 10.0.0.1:443`), { code });
}

/** What ended a request, and what its hint must say. */
const cases: readonly (readonly [Error, RegExp])[] = [
  [refusal("NoSuchBucket", 404), /Create the bucket backups/],
  [refusal("AccessDenied", 403), /Allow s3:PutObject on arn:aws:s3:::backups\/a\/b/],
  [
    refusal("AccessDenied", 403, {
      message:
        "User: arn:aws:sts::1:assumed-role/r/s is not authorized to perform: kms:GenerateDataKey on resource: arn:aws:kms:eu-central-1:1:key/2 because no identity-based policy allows it",
    }),
    /Allow kms:GenerateDataKey on arn:aws:kms:eu-central-1:1:key\/2 /,
  ],
  [
    refusal("AuthorizationHeaderMalformed", 400, { Region: "us-west-2" }),
    /`aws-region: us-west-2`/,
  ],
  [refusal("PermanentRedirect", 301), /get-bucket-location --bucket backups/],
  [refusal("PreconditionFailed", 412), /key is taken/],
  [refusal("ExpiredToken", 400), /expired/],
  [refusal("InvalidAccessKeyId", 403), /access key is wrong/],
  [refusal("SignatureDoesNotMatch", 403), /access key is wrong/],
  [refusal("RequestTimeTooSkewed", 403), /clock/],
  [refusal("KMS.DisabledException", 400), /`kms-key-id` is enabled/],
  [refusal("SlowDown", 503), /overloaded/],
  [refusal("InvalidObjectState", 403), /restore-object/],
  [refusal("SomethingNew", 400), /Error responses/],
  [nodeError("ECONNREFUSED"), /`endpoint-url`/],
  [nodeError("ENOTFOUND"), /force-path-style/],
  [nodeError("DEPTH_ZERO_SELF_SIGNED_CERT"), /certificate/],
  [nodeError("CERT_HAS_EXPIRED"), /certificate/],
  [new Error("Region is missing"), /Set `aws-region`/],
  [
    Object.assign(new Error("Could not load credentials from any providers"), {
      name: "CredentialsProviderError",
    }),
    /`role-to-assume`/,
  ],
];

describe("a failed request", () => {
  for (const [thrown, hint] of cases) {
    test(`says what to do about ${thrown.message}`, () => {
      const error = failure(thrown, asked);
      assert.ok(error instanceof StorageError);
      assert.match(error.hint, hint);
      assert.match(error.message, /^PutObject s3:\/\/backups\/a\/b failed: \w+/);
      assert.equal(error.cause, thrown);
    });
  }

  test("names permission and bucket when it is about no object", () => {
    const error = failure(refusal("AccessDenied", 403), {
      operation: "ListObjectsV2",
      bucket: "backups",
      key: undefined,
    });
    assert.match(error.hint, /Allow s3:ListBucket on arn:aws:s3:::backups /);
  });

  test("is understood by its status when the answer had no body", () => {
    const unknown = (status: number): HoldfastError => failure(refusal("Unknown", status), asked);
    assert.match(unknown(403).message, /AccessDenied/);
    assert.match(unknown(412).message, /PreconditionFailed/);
    assert.match(unknown(502).message, /HTTP status 502/);
    assert.ok(failure(refusal("NotFound", 404), asked) instanceof MissingObjectError);
  });

  test("stays itself when it is an error that Holdfast knows", () => {
    const known = new InputError("no token", { hint: "give one" });
    assert.equal(failure(known, asked), known);
  });

  test("may be anything that was thrown", () => {
    assert.match(failure("text", asked).message, /text$/);
  });
});

describe("against a server", () => {
  test("a bucket in another region is named with its region", async () => {
    await using server = await startS3();
    const storage = openS3(server, { region: "us-east-1" });
    await assert.rejects(storage.get("a"), (error) => {
      assert.ok(error instanceof HoldfastError);
      assert.match(error.hint, /`aws-region: eu-central-1`/);
      return true;
    });
  });

  test("a bucket that does not exist is named", async () => {
    await using server = await startS3();
    const storage = openS3(server, { bucket: "nowhere" });
    await assert.rejects(
      Array.fromAsync(storage.list("")),
      /ListObjectsV2 s3:\/\/nowhere failed: NoSuchBucket/,
    );
  });

  test("nobody at the address is an error about the address", async () => {
    await using server = await startS3();
    const storage = openS3(server, { endpointUrl: "http://127.0.0.1:1" }, { maxAttempts: 1 });
    await assert.rejects(storage.get("a"), /GetObject s3:\/\/backups\/a failed: ECONNREFUSED/);
  });
});
