import { type Answer, type BucketCall, xmlAnswer } from "./call.ts";
import { refusal } from "./errors.ts";
import { type Xml, xmlDocument } from "./xml.ts";

export async function getObjectLockConfiguration({ bucket }: BucketCall): Promise<Answer> {
  if (!bucket.objectLock) throw refusal("ObjectLockConfigurationNotFoundError");
  const { retentionDays } = bucket.objectLock;
  const retention: Xml[] = [
    ["Mode", "GOVERNANCE"],
    ["Days", retentionDays],
  ];
  const rule: Xml = ["Rule", retentionDays === 0 ? undefined : [["DefaultRetention", retention]]];
  return xmlAnswer(
    xmlDocument("ObjectLockConfiguration", [["ObjectLockEnabled", "Enabled"], rule]),
  );
}

/** The only rule that a bucket may have ends unfinished uploads. */
export async function getBucketLifecycleConfiguration({ bucket }: BucketCall): Promise<Answer> {
  const { unfinished } = bucket;
  if (!unfinished) throw refusal("NoSuchLifecycleConfiguration");
  const rule: Xml[] = [
    ["ID", "unfinished"],
    ["Status", "Enabled"],
    ["Filter", [["Prefix", unfinished.prefix]]],
    ["AbortIncompleteMultipartUpload", [["DaysAfterInitiation", unfinished.days]]],
  ];
  return xmlAnswer(xmlDocument("LifecycleConfiguration", [["Rule", rule]]));
}
