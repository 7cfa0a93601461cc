import { Bucket, type Versioning } from "./bucket.ts";
import {
  type Answer,
  type BucketCall,
  type Call,
  empty,
  now,
  receiveXml,
  xmlAnswer,
} from "./call.ts";
import { refusal } from "./errors.ts";
import { childText, type Xml, xmlDocument } from "./xml.ts";

export async function listBuckets({ store }: Call): Promise<Answer> {
  const buckets = [...store.buckets.values()].map(({ name, created, region }): Xml => {
    const children: Xml[] = [
      ["Name", name],
      ["CreationDate", created.toISOString()],
      ["BucketRegion", region],
    ];
    return ["Bucket", children];
  });
  return xmlAnswer(xmlDocument("ListAllMyBucketsResult", [["Buckets", buckets]]));
}

export async function createBucket(call: Call): Promise<Answer> {
  const { store, request } = call;
  const hasBody = Number(request.headers["content-length"] ?? 0) > 0;
  const asked = hasBody ? childText(await receiveXml(call), "LocationConstraint") : undefined;
  if (store.buckets.has(request.bucket)) throw refusal("BucketAlreadyOwnedByYou");
  const region = asked ?? call.region;
  const options = { name: request.bucket, region, versioning: undefined };
  store.buckets.set(request.bucket, new Bucket(options, now(store)));
  return empty(200, { location: `/${request.bucket}` });
}

export async function deleteBucket({ bucket, store }: BucketCall): Promise<Answer> {
  if (bucket.keys.length > 0) throw refusal("BucketNotEmpty");
  store.buckets.delete(bucket.name);
  return empty(204);
}

export async function headBucket({ bucket }: BucketCall): Promise<Answer> {
  return empty(200, { "x-amz-bucket-region": bucket.region });
}

export async function getBucketLocation({ bucket }: BucketCall): Promise<Answer> {
  // The oldest region has the name "nothing".
  const region = bucket.region === "us-east-1" ? "" : bucket.region;
  return xmlAnswer(xmlDocument("LocationConstraint", region));
}

export async function getBucketVersioning({ bucket }: BucketCall): Promise<Answer> {
  return xmlAnswer(xmlDocument("VersioningConfiguration", [["Status", bucket.versioning]]));
}

export async function putBucketVersioning(call: BucketCall): Promise<Answer> {
  const status = childText(await receiveXml(call), "Status");
  const known: readonly Versioning[] = ["Enabled", "Suspended"];
  const versioning = known.find((name) => name === status);
  if (versioning === undefined) throw refusal("MalformedXML");
  call.bucket.versioning = versioning;
  return empty(200);
}
