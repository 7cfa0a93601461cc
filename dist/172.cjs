"use strict";
exports.id = 172;
exports.ids = [172];
exports.modules = {

/***/ 5172:
/***/ ((__unused_webpack___webpack_module__, __webpack_exports__, __webpack_require__) => {

/* harmony export */ __webpack_require__.d(__webpack_exports__, {
/* harmony export */   examination: () => (/* binding */ examination)
/* harmony export */ });
/* harmony import */ var _errors_js__WEBPACK_IMPORTED_MODULE_0__ = __webpack_require__(452);
/* harmony import */ var _bucket_js__WEBPACK_IMPORTED_MODULE_1__ = __webpack_require__(9614);
/* harmony import */ var _failure_js__WEBPACK_IMPORTED_MODULE_2__ = __webpack_require__(4294);
/* harmony import */ var _options_js__WEBPACK_IMPORTED_MODULE_3__ = __webpack_require__(8259);
/* harmony import */ var _uploads_js__WEBPACK_IMPORTED_MODULE_4__ = __webpack_require__(1843);
/* harmony import */ var _write_js__WEBPACK_IMPORTED_MODULE_5__ = __webpack_require__(3606);






/** Looks at a bucket. Disposing closes the connections. */
function examination(options) {
    const bucket = new _bucket_js__WEBPACK_IMPORTED_MODULE_1__/* .Bucket */ .f(options, (0,_options_js__WEBPACK_IMPORTED_MODULE_3__/* .usualLimits */ .t)(options));
    return {
        region: (prefix) => region(bucket, prefix),
        multipart: (key) => multipart(bucket, key),
        overwrite: (key) => overwrite(bucket, key),
        encryption: (key) => encryption(bucket, key),
        unfinishedDays: (prefix) => unfinishedDays(bucket, prefix),
        retention: () => retention(bucket),
        async [Symbol.asyncDispose]() {
            bucket.close();
        },
    };
}
/** HeadBucket alone would not do: its refusals have no body, and so no code. */
async function region(bucket, prefix) {
    const page = { Bucket: bucket.name, Prefix: prefix, MaxKeys: 1 };
    try {
        await bucket.ask("ListObjectsV2", undefined, (s3, http) => s3.listObjectsV2(page, http));
        const { BucketRegion } = await bucket.ask("HeadBucket", undefined, (s3, http) => s3.headBucket({ Bucket: bucket.name }, http));
        return BucketRegion;
    }
    catch (error) {
        if ((0,_failure_js__WEBPACK_IMPORTED_MODULE_2__/* .hasCode */ .up)(error, "AccessDenied"))
            return undefined;
        throw error;
    }
}
async function multipart(bucket, key) {
    const object = { ...bucket.everyObject, ...bucket.checks.upload, Bucket: bucket.name, Key: key };
    const { UploadId: uploadId = "" } = await bucket.ask("CreateMultipartUpload", key, (s3, http) => s3.createMultipartUpload(object, http), bucket.grace);
    bucket.onUpload({ key, uploadId });
    await end(bucket, { key, uploadId });
}
async function end(bucket, upload) {
    try {
        await (0,_uploads_js__WEBPACK_IMPORTED_MODULE_4__/* .discard */ .vf)(bucket, upload, bucket.cleanUp());
    }
    catch (cause) {
        const { message } = (0,_errors_js__WEBPACK_IMPORTED_MODULE_0__/* .asError */ .zR)(cause);
        const left = `the unfinished upload ${upload.uploadId} of ${bucket.uri(upload.key)} is left`;
        const hint = cause instanceof _errors_js__WEBPACK_IMPORTED_MODULE_0__/* .HoldfastError */ .Et ? cause.hint : "End it by hand.";
        throw new _errors_js__WEBPACK_IMPORTED_MODULE_0__/* .StorageError */ .aq(`${message}; ${left}`, { hint, cause });
    }
}
async function overwrite(bucket, key) {
    const options = { contentType: "text/plain", metadata: {}, replace: false };
    const cargo = { key, body: Buffer.from("twice\n"), likelyBytes: 0 };
    try {
        return await (0,_write_js__WEBPACK_IMPORTED_MODULE_5__/* .write */ .M)(bucket, cargo, options);
    }
    catch (error) {
        if ((0,_failure_js__WEBPACK_IMPORTED_MODULE_2__/* .hasCode */ .up)(error, "PreconditionFailed"))
            return undefined;
        throw error;
    }
}
async function encryption(bucket, key) {
    const { ServerSideEncryption: kind, SSEKMSKeyId: kmsKey } = await bucket.ask("HeadObject", key, (s3, http) => s3.headObject({ Bucket: bucket.name, Key: key }, http));
    const asked = bucket.everyObject;
    const found = kind && [kind, ...(kmsKey === undefined ? [] : [kmsKey])].join(" with ");
    const isWanted = asked.ServerSideEncryption === undefined || kind === asked.ServerSideEncryption;
    if (isWanted && isKey(asked.SSEKMSKeyId, kmsKey))
        return found;
    const wanted = [asked.ServerSideEncryption, asked.SSEKMSKeyId].filter(Boolean).join(" with ");
    throw new _errors_js__WEBPACK_IMPORTED_MODULE_0__/* .StorageError */ .aq(`${bucket.uri(key)} was to be encrypted by ${wanted}, and the store says ${found ?? "nothing of it"}`, { hint: "See what the bucket's own encryption and the store can do, and set `sse` to that." });
}
/** The store tells the ARN of a key, which may have been named by its id alone; an alias tells nothing of that. */
function isKey(asked, told) {
    if (asked === undefined || asked.includes("alias/"))
        return true;
    return told === asked || told?.endsWith(`/${asked}`) === true;
}
async function unfinishedDays(bucket, prefix) {
    const days = (await rules(bucket))
        .filter(({ Status }) => Status === "Enabled")
        .filter((rule) => prefix.startsWith(rule.Filter?.Prefix ?? rule.Prefix ?? ""))
        .flatMap(({ AbortIncompleteMultipartUpload: abort }) => abort?.DaysAfterInitiation ?? []);
    if (days.length > 0)
        return Math.min(...days);
    throw new _errors_js__WEBPACK_IMPORTED_MODULE_0__/* .StorageError */ .aq(`no lifecycle rule of ${bucket.uri(prefix)} ends multipart uploads that nobody finishes`, {
        hint: "Add one with AbortIncompleteMultipartUpload: what a killed run leaves costs money until somebody removes it.",
    });
}
async function rules(bucket) {
    try {
        const { Rules = [] } = await bucket.ask("GetBucketLifecycleConfiguration", undefined, (s3, http) => s3.getBucketLifecycleConfiguration({ Bucket: bucket.name }, http));
        return Rules;
    }
    catch (error) {
        if ((0,_failure_js__WEBPACK_IMPORTED_MODULE_2__/* .hasCode */ .up)(error, "NoSuchLifecycleConfiguration"))
            return [];
        throw error;
    }
}
async function retention(bucket) {
    try {
        const answer = await bucket.ask("GetObjectLockConfiguration", undefined, (s3, http) => s3.getObjectLockConfiguration({ Bucket: bucket.name }, http));
        const { Mode, Days, Years } = answer.ObjectLockConfiguration?.Rule?.DefaultRetention ?? {};
        return Mode && `${Mode} for ${Days === undefined ? `${Years} years` : `${Days} days`}`;
    }
    catch (error) {
        if ((0,_failure_js__WEBPACK_IMPORTED_MODULE_2__/* .hasCode */ .up)(error, "ObjectLockConfigurationNotFoundError"))
            return undefined;
        throw error;
    }
}


/***/ })

};
;