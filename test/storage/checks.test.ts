import assert from "node:assert/strict";
import { test } from "node:test";
import { amazonChecks, compatibleChecks, leavePayloadUnsigned } from "../../src/storage/checks.ts";

const checked = { "x-amz-checksum-crc32": "y/Q5Jg==" };

function signedAs(protocol: string, headers: Record<string, string>): string | undefined {
  const request = { protocol, headers: { ...headers } as Record<string, string> };
  leavePayloadUnsigned(request);
  return request.headers["x-amz-content-sha256"];
}

test("checksums are those of the standards", () => {
  const bytes = Buffer.from("123456789");
  assert.deepEqual(amazonChecks.body(bytes), { ChecksumCRC32: "y/Q5Jg==" });
  assert.deepEqual(compatibleChecks.body(bytes), { ContentMD5: "JfnnlDI7RTiF9RgfG2JNCw==" });
});

test("the checksum of the whole is that of its parts one after another", () => {
  const sum = amazonChecks.sum();
  for (const part of ["123", "456", "789"]) sum.add(Buffer.from(part));
  const { ChecksumCRC32, MpuObjectSize } = sum.whole();
  assert.deepEqual(
    { ChecksumCRC32, MpuObjectSize },
    { ChecksumCRC32: "y/Q5Jg==", MpuObjectSize: 9 },
  );
});

test("a checked body is not hashed again for the signature, but only under TLS", () => {
  assert.equal(signedAs("https:", checked), "UNSIGNED-PAYLOAD");
  assert.equal(signedAs("https:", { "content-md5": "x" }), "UNSIGNED-PAYLOAD");
  assert.equal(signedAs("http:", checked), undefined);
  assert.equal(signedAs("https:", {}), undefined);
});
