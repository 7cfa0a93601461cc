"use strict";
exports.id = 587;
exports.ids = [587];
exports.modules = {

/***/ 5587:
/***/ ((__unused_webpack___webpack_module__, __webpack_exports__, __webpack_require__) => {


// EXPORTS
__webpack_require__.d(__webpack_exports__, {
  s3: () => (/* binding */ s3)
});

// EXTERNAL MODULE: ./lib/storage/bucket.js + 1 modules
var storage_bucket = __webpack_require__(9614);
// EXTERNAL MODULE: ./lib/storage/commit.js
var commit = __webpack_require__(8724);
// EXTERNAL MODULE: ./lib/storage/multipart.js
var multipart = __webpack_require__(9425);
;// CONCATENATED MODULE: ./lib/storage/copy.js


/** Copies an object on the server's side, with its metadata: see `copy` of Storage. */
async function copy(bucket, from, to) {
    const version = from.versionId === undefined ? "" : `?versionId=${from.versionId}`;
    const path = from.key.split("/").map(encodeURIComponent).join("/");
    const source = { CopySource: `${bucket.name}/${path}${version}`, CopySourceIfMatch: from.etag };
    return from.bytes <= bucket.limits.copyObjectBytes
        ? copyAtOnce(bucket, from, source, to)
        : copyInPieces(bucket, from, source, to);
}
/** Tags are set anew rather than copied, which would take one more permission. */
async function copyAtOnce(bucket, from, source, to) {
    const request = {
        ...bucket.everyObject,
        ...source,
        Bucket: bucket.name,
        Key: to,
        MetadataDirective: "COPY",
        TaggingDirective: "REPLACE",
    };
    const answer = await bucket.ask("CopyObject", to, (s3, http) => s3.copyObject(request, http));
    const { ETag: etag = "", LastModified: modified = new Date() } = answer.CopyObjectResult ?? {};
    return { key: to, bytes: from.bytes, modified, etag, versionId: answer.VersionId };
}
/** A multipart upload does not take over what describes the source, so that is asked for first. */
async function copyInPieces(bucket, from, source, to) {
    const { name: Bucket, limits } = bucket;
    const described = { Bucket, Key: from.key, VersionId: from.versionId };
    const head = await bucket.ask("HeadObject", from.key, (s3, http) => s3.headObject(described, http));
    const object = (0,commit/* newObject */.wg)(to, {
        metadata: head.Metadata ?? {},
        contentType: head.ContentType ?? "application/octet-stream",
        replace: true,
    });
    const upload = new multipart/* Upload */._(bucket, object, {});
    try {
        const step = limits.copyPartBytes(from.bytes);
        for (let start = 0; start < from.bytes; start += step) {
            const bytes = Math.min(step, from.bytes - start);
            const range = `bytes=${start}-${start + bytes - 1}`;
            await upload.add({ bytes, atOnce: 4 }, pieceCopier(bucket, source, range));
        }
        return await upload.complete({});
    }
    catch (error) {
        throw await upload.abandon(error);
    }
}
function pieceCopier(bucket, source, CopySourceRange) {
    return async (part, signal) => {
        const piece = { ...part, ...source, CopySourceRange };
        const answer = await bucket.ask("UploadPartCopy", part.Key, (s3, http) => s3.uploadPartCopy(piece, http), signal);
        return { ETag: answer.CopyPartResult?.ETag };
    };
}

// EXTERNAL MODULE: ./lib/storage/options.js
var storage_options = __webpack_require__(8259);
// EXTERNAL MODULE: ./lib/storage/objects.js
var objects = __webpack_require__(2017);
// EXTERNAL MODULE: ./lib/storage/uploads.js
var uploads = __webpack_require__(1843);
// EXTERNAL MODULE: ./lib/storage/write.js
var write = __webpack_require__(3606);
;// CONCATENATED MODULE: ./lib/storage/s3.js






/** Storage in a bucket of Amazon S3 or of a store that speaks its protocol. Disposing closes the connections. */
function s3(options, limits = {}) {
    const bucket = new storage_bucket/* Bucket */.f(options, { ...(0,storage_options/* usualLimits */.t)(options), ...limits });
    return {
        uri: (key) => bucket.uri(key),
        put: (key, body, how, likelyBytes = 0) => (0,write/* write */.M)(bucket, { key, body, likelyBytes }, how),
        get: (key) => (0,objects/* read */.LF)(bucket, key),
        head: (key) => (0,objects/* head */.d5)(bucket, key),
        list: (prefix) => (0,objects/* list */.p_)(bucket, prefix),
        copy: (from, to) => copy(bucket, from, to),
        delete: (object) => (0,objects/* remove */.TF)(bucket, object),
        uploads: {
            list: (prefix) => (0,uploads/* unfinished */.M1)(bucket, prefix),
            abort: (upload) => (0,uploads/* discard */.vf)(bucket, upload, bucket.signal),
        },
        async [Symbol.asyncDispose]() {
            bucket.close();
        },
    };
}


/***/ })

};
;