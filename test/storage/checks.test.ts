import assert from "node:assert/strict";
import { randomBytes, randomInt } from "node:crypto";
import { test } from "node:test";
import {
  amazonChecks,
  compatibleChecks,
  crc32In,
  leavePayloadUnsigned,
} from "../../src/storage/checks.ts";

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

test("the checksum of the whole is that of its parts one after another, whatever their lengths", () => {
  for (let round = 0; round < 20; round += 1) {
    const parts = [randomBytes(randomInt(100_000)), randomBytes(1), randomBytes(randomInt(9_999))];
    const sum = amazonChecks.sum();
    for (const part of parts) sum.add(part, amazonChecks.body(part));
    const { ChecksumCRC32, MpuObjectSize } = sum.whole();
    const whole = Buffer.concat(parts);
    assert.deepEqual(
      { ChecksumCRC32, MpuObjectSize },
      { ...amazonChecks.body(whole), MpuObjectSize: whole.length },
    );
  }
});

test("a checksum of parts is not taken for that of the object", () => {
  assert.equal(crc32In({ ChecksumCRC32: "y/Q5Jg==" }), "cbf43926");
  assert.equal(crc32In({ ChecksumCRC32: "y/Q5Jg==-3" }), undefined);
  assert.equal(crc32In({}), undefined);
});

test("a checked body is not hashed again for the signature, but only under TLS", () => {
  assert.equal(signedAs("https:", checked), "UNSIGNED-PAYLOAD");
  assert.equal(signedAs("https:", { "content-md5": "x" }), "UNSIGNED-PAYLOAD");
  assert.equal(signedAs("http:", checked), undefined);
  assert.equal(signedAs("https:", {}), undefined);
});
