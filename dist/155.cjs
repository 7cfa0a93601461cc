"use strict";
exports.id = 155;
exports.ids = [155];
exports.modules = {

/***/ 9614:
/***/ ((__unused_webpack___webpack_module__, __webpack_exports__, __webpack_require__) => {


// EXPORTS
__webpack_require__.d(__webpack_exports__, {
  f: () => (/* binding */ Bucket)
});

// EXTERNAL MODULE: ./node_modules/@aws-sdk/client-s3/dist-cjs/index.js
var dist_cjs = __webpack_require__(3711);
// EXTERNAL MODULE: ./lib/storage/checks.js + 1 modules
var checks = __webpack_require__(3616);
// EXTERNAL MODULE: ./lib/storage/failure.js + 1 modules
var failure = __webpack_require__(4294);
// EXTERNAL MODULE: external "node:stream"
var external_node_stream_ = __webpack_require__(7075);
// EXTERNAL MODULE: ./node_modules/@smithy/node-http-handler/dist-cjs/index.js
var node_http_handler_dist_cjs = __webpack_require__(1279);
;// CONCATENATED MODULE: ./lib/storage/http.js


const sliceBytes = 256 * 1024;
/**
 * Sends a large body slice by slice. Written at once, TLS would encrypt a whole part before its first byte leaves,
 * which doubles the memory, and Node would take a slow part for a silent connection and cut it off.
 */
class SlicingHandler extends node_http_handler_dist_cjs.NodeHttpHandler {
    handle(...[request, options]) {
        const { body } = request;
        // The retry above makes each try a request of its own from the same buffer.
        if (Buffer.isBuffer(body) && body.length > sliceBytes) {
            request.body = external_node_stream_.Readable.from(slices(body), { objectMode: false });
        }
        return super.handle(request, options);
    }
}
function* slices(bytes) {
    for (let at = 0; at < bytes.length; at += sliceBytes)
        yield bytes.subarray(at, at + sliceBytes);
}

// EXTERNAL MODULE: ./lib/storage/options.js
var storage_options = __webpack_require__(8259);
;// CONCATENATED MODULE: ./lib/storage/bucket.js





/** A runner ends a cancelled job after 7.5 s: 2 s to learn how a request ended, the rest to clean up after it. */
const graceMs = 2_000;
const deadlineMs = 7_000;
const cleanUpMs = 30_000;
/** One bucket that requests are sent to. */
class Bucket {
    name;
    signal;
    /** Fires a little after `signal`: for requests that change the bucket, whose outcome should be known. */
    grace;
    limits;
    checks;
    onUpload;
    /** What every object is given, whichever request makes it. */
    everyObject;
    /** When this process must be through with cleaning up. */
    #deadline;
    #s3;
    constructor(options, limits) {
        this.name = options.bucket;
        this.signal = options.signal;
        this.grace = delayed(options.signal, graceMs, () => options.signal.reason);
        this.#deadline = delayed(options.signal, deadlineMs, () => tooLate);
        this.limits = limits;
        this.checks = options.endpointUrl === undefined ? checks/* amazonChecks */.Ih : checks/* compatibleChecks */.ul;
        this.onUpload = options.onUpload ?? (() => { });
        this.everyObject = (0,storage_options/* attributes */.u)(options);
        this.#s3 = new dist_cjs.S3(configuration(options, limits));
        this.#s3.middlewareStack.add((next) => (args) => {
            (0,checks/* leavePayloadUnsigned */.rH)(args.request);
            return next(args);
        }, { step: "build", name: "leavePayloadUnsigned" });
    }
    /**
     * Sends one request about `key`, or about the bucket.
     *
     * @throws the reason of `signal` when it fires; StorageError for everything else
     */
    async ask(operation, key, send, signal = this.signal) {
        try {
            signal.throwIfAborted();
            return await this.#renewing(() => send(this.#s3, { abortSignal: signal }));
        }
        catch (error) {
            if (signal.aborted && !isTimeout(signal.reason))
                throw signal.reason;
            throw (0,failure/* failure */.V2)(error, { operation, bucket: this.name, key });
        }
    }
    /** For requests that must still be made after `signal` has fired, and quickly then. */
    cleanUp() {
        return AbortSignal.any([AbortSignal.timeout(cleanUpMs), this.#deadline]);
    }
    uri(key) {
        return (0,failure/* uri */.Hr)(this.name, key);
    }
    close() {
        this.#s3.destroy();
    }
    /** The SDK renews sessions by the runner's clock; S3 has the last word, and it is heeded once. */
    async #renewing(send) {
        try {
            return await send();
        }
        catch (error) {
            if (!(error instanceof Error) || (0,failure/* codeOf */.$N)(error) !== "ExpiredToken")
                throw error;
            await this.#s3.config.credentials({ forceRefresh: true });
            return send();
        }
    }
}
function configuration(options, limits) {
    const { region, endpointUrl, credentials } = options;
    return {
        ...(region !== undefined && { region }),
        ...(credentials !== undefined && { credentials }),
        ...(endpointUrl !== undefined && compatible(endpointUrl, region)),
        forcePathStyle: options.forcePathStyle,
        maxAttempts: limits.maxAttempts,
        retryMode: "standard",
        // It would open a connection of its own for every part.
        expectContinueHeader: false,
        requestHandler: new SlicingHandler({
            connectionTimeout: 10_000,
            socketTimeout: limits.silenceMs,
        }),
    };
}
/** Stores that speak S3 have no regions, yet a signature names one. */
function compatible(endpoint, region) {
    return {
        endpoint,
        region: region ?? process.env["AWS_REGION"] ?? "us-east-1",
        requestChecksumCalculation: "WHEN_REQUIRED",
        responseChecksumValidation: "WHEN_REQUIRED",
    };
}
const tooLate = new DOMException("There was no time left", "TimeoutError");
function isTimeout(reason) {
    return reason instanceof DOMException && reason.name === "TimeoutError";
}
/** A signal that fires `ms` after another one. */
function delayed(signal, ms, reason) {
    const controller = new AbortController();
    const fire = () => controller.abort(reason());
    const start = () => setTimeout(fire, ms).unref();
    if (signal.aborted)
        start();
    else
        signal.addEventListener("abort", start, { once: true });
    return controller.signal;
}


/***/ }),

/***/ 3616:
/***/ ((__unused_webpack___webpack_module__, __webpack_exports__, __webpack_require__) => {


// EXPORTS
__webpack_require__.d(__webpack_exports__, {
  Ih: () => (/* binding */ amazonChecks),
  ul: () => (/* binding */ compatibleChecks),
  zu: () => (/* binding */ crc32In),
  rH: () => (/* binding */ leavePayloadUnsigned)
});

// EXTERNAL MODULE: external "node:crypto"
var external_node_crypto_ = __webpack_require__(7598);
// EXTERNAL MODULE: external "node:zlib"
var external_node_zlib_ = __webpack_require__(8522);
;// CONCATENATED MODULE: ./lib/storage/crc32.js
/*
 * CRC-32 as zlib and S3 mean it (RFC 1952, 8): a polynomial over GF(2) modulo one of degree 32, written with its bits
 * reversed, so that the highest bit of a number stands for x^0.
 */
const modulus = 0xedb88320;
const x0 = 0x80000000;
const x1 = 0x40000000;
/** The CRC-32 of two texts one after the other, of the CRC-32 of each and the second one's length in bytes. */
function joinCrc32(first, second, secondBytes) {
    return (times(first, power(8 * secondBytes)) ^ second) >>> 0;
}
/** x to that power. */
function power(exponent) {
    let result = x0;
    let square = x1;
    for (let rest = exponent; rest > 0; rest = Math.floor(rest / 2)) {
        if (rest % 2 === 1)
            result = times(result, square);
        square = times(square, square);
    }
    return result;
}
function times(a, b) {
    let product = 0;
    let shifted = b;
    for (let bit = x0; bit !== 0; bit >>>= 1) {
        if ((a & bit) !== 0)
            product ^= shifted;
        shifted = (shifted & 1) === 0 ? shifted >>> 1 : (shifted >>> 1) ^ modulus;
    }
    return product >>> 0;
}

;// CONCATENATED MODULE: ./lib/storage/checks.js



/** Amazon S3: CRC-32 of each part and of the whole, six times as fast as MD5 and kept beside the object. */
const amazonChecks = {
    body: (bytes) => ({ ChecksumCRC32: base64((0,external_node_zlib_.crc32)(bytes)) }),
    upload: { ChecksumAlgorithm: "CRC32", ChecksumType: "FULL_OBJECT" },
    head: { ChecksumMode: "ENABLED" },
    sum() {
        let crc = 0;
        let bytes = 0;
        return {
            add({ length }, { ChecksumCRC32 = "" }) {
                crc = joinCrc32(crc, Buffer.from(ChecksumCRC32, "base64").readUInt32BE(), length);
                bytes += length;
            },
            whole: () => ({
                ChecksumCRC32: base64(crc),
                ChecksumType: "FULL_OBJECT",
                MpuObjectSize: bytes,
            }),
        };
    },
};
/** Stores that speak S3 may refuse what Amazon added to it since; Content-MD5 (RFC 1864) they all know. */
const compatibleChecks = {
    body: (bytes) => ({ ContentMD5: (0,external_node_crypto_.createHash)("md5").update(bytes).digest("base64") }),
    upload: {},
    head: {},
    sum: () => ({ add() { }, whole: () => ({}) }),
};
function base64(crc) {
    const bytes = Buffer.alloc(4);
    bytes.writeUInt32BE(crc);
    return bytes.toString("base64");
}
/**
 * The CRC-32 of a whole object, in hex. That of an object in parts may be made of the parts' own ("Checking object integrity"
 * in the Amazon S3 User Guide): it ends in their number and tells nothing about the bytes in a row.
 */
function crc32In(answer) {
    const { ChecksumCRC32 = "" } = answer;
    if (!/^[A-Za-z0-9+/]{6}==$/.test(ChecksumCRC32))
        return undefined;
    return Buffer.from(ChecksumCRC32, "base64").toString("hex");
}
/**
 * Over TLS a checked body need not be hashed a second time for the signature: boto has the same rule, so
 * every store knows it ("Unsigned payload option" in the S3 API Reference). Without TLS it stays signed.
 */
function leavePayloadUnsigned(request) {
    if (!isHttpRequest(request) || request.protocol !== "https:")
        return;
    const { headers } = request;
    if (headers["content-md5"] === undefined && headers["x-amz-checksum-crc32"] === undefined)
        return;
    headers["x-amz-content-sha256"] = "UNSIGNED-PAYLOAD";
}
function isHttpRequest(request) {
    return typeof request === "object" && request !== null && "protocol" in request;
}


/***/ }),

/***/ 8724:
/***/ ((__unused_webpack___webpack_module__, __webpack_exports__, __webpack_require__) => {

/* harmony export */ __webpack_require__.d(__webpack_exports__, {
/* harmony export */   G9: () => (/* binding */ unlessTaken),
/* harmony export */   cd: () => (/* binding */ commit),
/* harmony export */   wg: () => (/* binding */ newObject)
/* harmony export */ });
/* harmony import */ var node_crypto__WEBPACK_IMPORTED_MODULE_0__ = __webpack_require__(7598);
/* harmony import */ var _objects_js__WEBPACK_IMPORTED_MODULE_1__ = __webpack_require__(2017);


/** The user metadata under which an object carries the id of the one `put` that made it. */
const mark = "holdfast-upload";
function newObject(key, options) {
    const id = (0,node_crypto__WEBPACK_IMPORTED_MODULE_0__.randomUUID)();
    const Metadata = { ...options.metadata, [mark]: id };
    return {
        key,
        id,
        replace: options.replace,
        described: { ContentType: options.contentType, Metadata },
    };
}
/** Makes S3 refuse a taken key, also one that is taken meanwhile. */
function unlessTaken({ replace }) {
    return replace ? {} : { IfNoneMatch: "*" };
}
/**
 * Sends the one request that makes an object visible and finds out what became of it: its answer may be
 * lost although it was obeyed, and a second try is then refused because of the first. `undo` makes
 * the outcome final before it is looked at. A cancelled run leaves no object, unless it replaced another one.
 */
async function commit(bucket, object, send, undo) {
    bucket.signal.throwIfAborted();
    const { key, id } = object;
    if (!object.replace)
        bucket.onUpload({ key, metadata: { [mark]: id } });
    const stored = await send().catch(async (error) => {
        const signal = bucket.cleanUp();
        await undo(signal);
        const found = await landed(bucket, object, signal);
        if (found === undefined)
            throw error;
        return found;
    });
    if (!bucket.signal.aborted || object.replace)
        return stored;
    await (0,_objects_js__WEBPACK_IMPORTED_MODULE_1__/* .remove */ .TF)(bucket, stored);
    throw bucket.signal.reason;
}
/** The object under the key if it is the one that this `put` made; a store that cannot tell counts as no. */
async function landed(bucket, { key, id }, signal) {
    const found = await (0,_objects_js__WEBPACK_IMPORTED_MODULE_1__/* .head */ .d5)(bucket, key, signal).catch(() => undefined);
    return found?.metadata[mark] === id ? found.object : undefined;
}


/***/ }),

/***/ 4294:
/***/ ((__unused_webpack___webpack_module__, __webpack_exports__, __webpack_require__) => {


// EXPORTS
__webpack_require__.d(__webpack_exports__, {
  $N: () => (/* binding */ codeOf),
  V2: () => (/* binding */ failure),
  up: () => (/* binding */ hasCode),
  Hr: () => (/* binding */ uri)
});

// EXTERNAL MODULE: ./node_modules/@aws-sdk/client-s3/dist-cjs/index.js
var dist_cjs = __webpack_require__(3711);
// EXTERNAL MODULE: ./lib/errors.js
var errors = __webpack_require__(452);
;// CONCATENATED MODULE: ./lib/storage/hints.js
/** The requests that are made, each with the IAM action that allows it ("Actions for Amazon S3"). */
const actions = {
    AbortMultipartUpload: "s3:AbortMultipartUpload",
    CompleteMultipartUpload: "s3:PutObject",
    CopyObject: "s3:PutObject and s3:GetObject (s3:GetObjectVersion of a version)",
    CreateMultipartUpload: "s3:PutObject",
    DeleteObject: "s3:DeleteObject and s3:DeleteObjectVersion",
    GetBucketLifecycleConfiguration: "s3:GetLifecycleConfiguration",
    GetObject: "s3:GetObject",
    GetObjectLockConfiguration: "s3:GetBucketObjectLockConfiguration",
    HeadBucket: "s3:ListBucket",
    HeadObject: "s3:GetObject",
    ListMultipartUploads: "s3:ListBucketMultipartUploads",
    ListObjectsV2: "s3:ListBucket",
    ListParts: "s3:ListMultipartUploadParts",
    PutObject: "s3:PutObject",
    UploadPart: "s3:PutObject",
    UploadPartCopy: "s3:PutObject and s3:GetObject (s3:GetObjectVersion of a version)",
};
const wrongRegion = ({ bucket, region }) => region === undefined
    ? `The bucket is in another region: set \`aws-region\` to what \`aws s3api get-bucket-location --bucket ${bucket}\` says.`
    : `The bucket is in ${region}: set \`aws-region: ${region}\`.`;
const unreachable = () => "Check `endpoint-url`, `aws-region` and whether the runner may open connections to the store.";
const slow = () => "The store is overloaded or down and stayed so over several tries: run it again later.";
const altered = () => "The bytes were altered on their way: look for a proxy between the runner and the store.";
const newSession = () => "The credentials have expired: use `role-to-assume`, whose sessions renew themselves, or longer ones.";
const wrongKeys = () => "The access key is wrong or of another store: check AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and `endpoint-url`.";
const hints = {
    AccessDenied: (refusal) => allow(refusal),
    AuthorizationHeaderMalformed: wrongRegion,
    BadDigest: altered,
    ConditionalRequestConflict: () => "Somebody else writes this key at the same moment: give the workflow a `concurrency` group.",
    CredentialsProviderError: () => "There are no AWS credentials: set `role-to-assume`, with `permissions: id-token: write`, or run aws-actions/configure-aws-credentials first.",
    EAI_AGAIN: unreachable,
    ECONNREFUSED: unreachable,
    ECONNRESET: unreachable,
    EHOSTUNREACH: unreachable,
    ENETUNREACH: unreachable,
    ENOTFOUND: () => `${unreachable()} A store without host names for buckets needs \`force-path-style: true\`.`,
    ETIMEDOUT: unreachable,
    ExpiredToken: newSession,
    IllegalLocationConstraintException: wrongRegion,
    InternalError: slow,
    InvalidAccessKeyId: wrongKeys,
    InvalidObjectState: () => "The object is archived: bring it back with `aws s3api restore-object` first.",
    InvalidToken: newSession,
    NoSuchBucket: ({ bucket }) => `Create the bucket ${bucket} or correct \`bucket\`.`,
    NoSuchKey: () => "Use `operation: list` to see what is there.",
    NotImplemented: () => "The store does not know a feature that was asked for: check `storage-class`, `sse`, `kms-key-id` and `object-tags`.",
    PermanentRedirect: wrongRegion,
    PreconditionFailed: () => "The key is taken and backups are never overwritten: check `key-template`, and whether two runs share it.",
    RegionMissing: () => "Set `aws-region` to the region of the bucket.",
    RequestTimeTooSkewed: () => "The runner's clock is wrong: set it by NTP.",
    ServiceUnavailable: slow,
    SignatureDoesNotMatch: wrongKeys,
    SlowDown: slow,
    TimeoutError: () => `The store stopped answering. ${unreachable()}`,
    XAmzContentSHA256Mismatch: altered,
};
/** What the reader can do about a refusal. */
function hintFor(refusal) {
    const { code } = refusal;
    const known = Object.hasOwn(hints, code) ? hints[code] : undefined;
    if (known !== undefined)
        return known(refusal);
    if (code.startsWith("KMS"))
        return kmsHint;
    if (/CERT|UNABLE_TO_VERIFY/.test(code)) {
        return "The store's certificate is not trusted: check `endpoint-url`, or name its authority in NODE_EXTRA_CA_CERTS.";
    }
    return 'The code is explained under "Error responses" in the Amazon S3 API Reference.';
}
const kmsHint = "Check that the key `kms-key-id` is enabled and in the bucket's region, and that the role may use kms:GenerateDataKey and kms:Decrypt on it.";
/** AWS often names the missing permission itself, and knows better: it may be one on the KMS key. */
function allow({ operation, bucket, key, message }) {
    const named = /perform: (?<action>[\w:]+) on resource: "?(?<resource>[^\s"]+)/.exec(message);
    const { action = actions[operation], resource = arn(bucket, key) } = named?.groups ?? {};
    const hidden = operation === "GetObject" ? " Without s3:ListBucket a missing object looks the same." : "";
    return `Allow ${action} on ${resource} in the policy of the role, and check the bucket's policy.${hidden}`;
}
function arn(bucket, key) {
    return key === undefined ? `arn:aws:s3:::${bucket}` : `arn:aws:s3:::${bucket}/${key}`;
}

// EXTERNAL MODULE: ./lib/storage/storage.js
var storage = __webpack_require__(2500);
;// CONCATENATED MODULE: ./lib/storage/failure.js




/** What a HEAD answer cannot say, as it has no body, and what an answer that is not XML does not say. */
const codeOfStatus = {
    301: "PermanentRedirect",
    403: "AccessDenied",
    404: "NoSuchKey",
    409: "ConditionalRequestConflict",
    412: "PreconditionFailed",
};
/** Whatever a request ended with, as the error that Holdfast reports; one that it knows already stays itself. */
function failure(thrown, asked) {
    if (thrown instanceof errors/* HoldfastError */.Et)
        return thrown;
    const cause = (0,errors/* asError */.zR)(thrown);
    const code = codeOf(cause);
    const message = `${asked.operation} ${uri(asked.bucket, asked.key)} failed: ${code}${said(cause)}`;
    const hint = hintFor({ ...asked, code, message: cause.message, region: regionOf(cause) });
    const Kind = isMissing(code) ? storage/* MissingObjectError */.S : errors/* StorageError */.aq;
    return new Kind(message, { hint, cause });
}
/** The code of an S3 error ("Error responses" in the S3 API Reference), of a Node error, or its name. */
function codeOf(error) {
    if (error instanceof dist_cjs/* S3ServiceException */.Hcp && ["Unknown", "NotFound"].includes(error.name)) {
        const status = error.$metadata.httpStatusCode ?? 0;
        return codeOfStatus[status] ?? `HTTP status ${status}`;
    }
    if (/^Region (is missing|not accepted)/.test(error.message))
        return "RegionMissing";
    if (error.name === "AbortError" && error.cause instanceof Error)
        return error.cause.name;
    return "code" in error && typeof error.code === "string" ? error.code : error.name;
}
/** True for a StorageError that stands for S3's `code`. */
function hasCode(error, code) {
    return (error instanceof errors/* StorageError */.aq && error.cause instanceof Error && codeOf(error.cause) === code);
}
function uri(bucket, key) {
    return key === undefined ? `s3://${bucket}` : `s3://${bucket}/${key}`;
}
function isMissing(code) {
    return code === "NoSuchKey" || code === "NoSuchVersion";
}
/** The first line of what was said; "UnknownError" is how the SDK calls an empty answer. */
function said({ message }) {
    const [line = ""] = message.split("\n");
    return line === "" || line === "UnknownError" ? "" : `: ${line}`;
}
/** The region that S3 names when it was asked in another one: an element of the error, or a header. */
function regionOf(error) {
    if ("Region" in error && typeof error.Region === "string")
        return error.Region;
    if (!(error instanceof dist_cjs/* S3ServiceException */.Hcp))
        return undefined;
    return error.$response?.headers["x-amz-bucket-region"];
}


/***/ }),

/***/ 9425:
/***/ ((__unused_webpack___webpack_module__, __webpack_exports__, __webpack_require__) => {

/* harmony export */ __webpack_require__.d(__webpack_exports__, {
/* harmony export */   _: () => (/* binding */ Upload)
/* harmony export */ });
/* harmony import */ var _errors_js__WEBPACK_IMPORTED_MODULE_0__ = __webpack_require__(452);
/* harmony import */ var _commit_js__WEBPACK_IMPORTED_MODULE_1__ = __webpack_require__(8724);
/* harmony import */ var _uploads_js__WEBPACK_IMPORTED_MODULE_2__ = __webpack_require__(1843);



/**
 * One multipart upload. S3 hears of it with its first part; from then on it must end in `complete` or in
 * `abandon`. The first failure of any kind stops everything else.
 */
class Upload {
    #bucket;
    #object;
    #begin;
    #failed = new AbortController();
    #underway = new Set();
    #parts = [];
    #count = 0;
    #bytes = 0;
    #id;
    /** Fires when the run is cancelled or anything about this upload has failed, with that as its reason. */
    signal;
    constructor(bucket, object, begin) {
        this.#bucket = bucket;
        this.#object = object;
        this.#begin = begin;
        this.signal = AbortSignal.any([bucket.signal, this.#failed.signal]);
    }
    get isBegun() {
        return this.#id !== undefined;
    }
    /** Starts to send the next part, which has that many bytes, as soon as fewer than `atOnce` are under way. */
    async add({ bytes, atOnce }, send) {
        if (this.#id === undefined) {
            this.#id = this.#begun();
            this.#bucket.onUpload(await this.#id);
        }
        const ids = this.#ids(await this.#id);
        while (this.#underway.size >= atOnce)
            await Promise.race(this.#underway);
        this.signal.throwIfAborted();
        this.#bytes += bytes;
        const sending = this.#send({ ...ids, PartNumber: ++this.#count }, send);
        this.#underway.add(sending);
        void sending.finally(() => this.#underway.delete(sending));
    }
    /** Makes the object visible, of the parts that were added, once all of them have arrived. */
    async complete(whole) {
        if (this.#id === undefined)
            throw new Error("An upload without parts cannot be completed");
        const id = await this.#id;
        await Promise.all(this.#underway);
        this.signal.throwIfAborted();
        // Should it fail, `abandon` will try again.
        const undo = (signal) => (0,_uploads_js__WEBPACK_IMPORTED_MODULE_2__/* .discard */ .vf)(this.#bucket, id, signal).catch(() => { });
        return (0,_commit_js__WEBPACK_IMPORTED_MODULE_1__/* .commit */ .cd)(this.#bucket, this.#object, () => this.#complete(id, whole), undo);
    }
    /**
     * Ends the upload for good because of `error`, after what is under way: a part must not arrive afterwards.
     * Resolves to the error to throw, which is the first one, unless the upload could not be removed.
     */
    async abandon(error) {
        this.#failed.abort(error);
        const id = await this.#id?.catch(() => undefined);
        await Promise.all(this.#underway);
        if (id === undefined)
            return this.signal.reason;
        try {
            await (0,_uploads_js__WEBPACK_IMPORTED_MODULE_2__/* .discard */ .vf)(this.#bucket, id, this.#bucket.cleanUp());
            return this.signal.reason;
        }
        catch (unremoved) {
            const failed = (0,_errors_js__WEBPACK_IMPORTED_MODULE_0__/* .asError */ .zR)(this.signal.reason);
            return (0,_uploads_js__WEBPACK_IMPORTED_MODULE_2__/* .leftover */ .wm)(this.#bucket, id, { failed, unremoved: (0,_errors_js__WEBPACK_IMPORTED_MODULE_0__/* .asError */ .zR)(unremoved) });
        }
    }
    /** Not cancelled at once: an upload whose id is lost cannot be removed. */
    async #begun() {
        const { key, described } = this.#object;
        const { name: Bucket, everyObject, grace } = this.#bucket;
        this.signal.throwIfAborted();
        const object = { ...everyObject, ...described, ...this.#begin, Bucket, Key: key };
        const { UploadId: uploadId = "" } = await this.#bucket.ask("CreateMultipartUpload", key, (s3, http) => s3.createMultipartUpload(object, http), grace);
        return { key, uploadId };
    }
    /** Never rejects: its failure is that of the whole upload. */
    async #send(part, send) {
        try {
            const sent = await send(part, this.signal);
            this.#parts[part.PartNumber - 1] = { ...sent, PartNumber: part.PartNumber };
        }
        catch (error) {
            this.#failed.abort(error);
        }
    }
    async #complete(id, whole) {
        const { key } = id;
        const MultipartUpload = { Parts: this.#parts };
        const object = { ...whole, ...(0,_commit_js__WEBPACK_IMPORTED_MODULE_1__/* .unlessTaken */ .G9)(this.#object), ...this.#ids(id), MultipartUpload };
        const answer = await this.#bucket.ask("CompleteMultipartUpload", key, (s3, http) => s3.completeMultipartUpload(object, http), this.#bucket.grace);
        const { ETag: etag = "", VersionId: versionId } = answer;
        return { key, bytes: this.#bytes, modified: new Date(), etag, versionId };
    }
    #ids({ key, uploadId }) {
        return { Bucket: this.#bucket.name, Key: key, UploadId: uploadId };
    }
}


/***/ }),

/***/ 2017:
/***/ ((__unused_webpack___webpack_module__, __webpack_exports__, __webpack_require__) => {

/* harmony export */ __webpack_require__.d(__webpack_exports__, {
/* harmony export */   LF: () => (/* binding */ read),
/* harmony export */   TF: () => (/* binding */ remove),
/* harmony export */   d5: () => (/* binding */ head),
/* harmony export */   p_: () => (/* binding */ list)
/* harmony export */ });
/* harmony import */ var node_stream__WEBPACK_IMPORTED_MODULE_0__ = __webpack_require__(7075);
/* harmony import */ var _errors_js__WEBPACK_IMPORTED_MODULE_1__ = __webpack_require__(452);
/* harmony import */ var _checks_js__WEBPACK_IMPORTED_MODULE_2__ = __webpack_require__(3616);
/* harmony import */ var _failure_js__WEBPACK_IMPORTED_MODULE_3__ = __webpack_require__(4294);
/* harmony import */ var _storage_js__WEBPACK_IMPORTED_MODULE_4__ = __webpack_require__(2500);





/** An object as GetObject and HeadObject describe it. */
function describe(key, head) {
    return {
        key,
        bytes: head.ContentLength ?? 0,
        modified: head.LastModified ?? new Date(),
        etag: head.ETag ?? "",
        versionId: head.VersionId,
    };
}
function lockOf(head) {
    const until = head.ObjectLockMode && head.ObjectLockRetainUntilDate;
    const legalHold = head.ObjectLockLegalHoldStatus === "ON";
    return until || legalHold ? { until, legalHold } : undefined;
}
/** An object's description and bytes. @throws MissingObjectError, StorageError; its stream too, and IntegrityError */
async function read(bucket, key) {
    const answer = await bucket.ask("GetObject", key, (s3, http) => s3.getObject({ Bucket: bucket.name, Key: key }, http));
    const object = describe(key, answer);
    if (!(answer.Body instanceof node_stream__WEBPACK_IMPORTED_MODULE_0__.Readable))
        throw new TypeError("GetObject answered without a stream");
    const body = node_stream__WEBPACK_IMPORTED_MODULE_0__.Readable.from(whole(bucket, object, answer.Body), { objectMode: false });
    return { object, lock: lockOf(answer), body };
}
/** An object's description and what stands beside it; undefined when there is none. */
async function head(bucket, key, signal = bucket.signal) {
    const asked = { Bucket: bucket.name, Key: key, ...bucket.checks.head };
    try {
        const answer = await bucket.ask("HeadObject", key, (s3, http) => s3.headObject(asked, http), signal);
        const { Metadata: metadata = {} } = answer;
        const object = describe(key, answer);
        return { object, lock: lockOf(answer), metadata, crc32: (0,_checks_js__WEBPACK_IMPORTED_MODULE_2__/* .crc32In */ .zu)(answer) };
    }
    catch (error) {
        if (error instanceof _storage_js__WEBPACK_IMPORTED_MODULE_4__/* .MissingObjectError */ .S)
            return undefined;
        throw error;
    }
}
/** HTTP marks the end of a body only by its length, and what is cut short must not look complete. */
async function* whole(bucket, { key, bytes }, body) {
    let received = 0;
    try {
        for await (const chunk of body) {
            received += chunk.length;
            yield chunk;
        }
    }
    catch (error) {
        if (bucket.signal.aborted)
            throw bucket.signal.reason;
        throw (0,_failure_js__WEBPACK_IMPORTED_MODULE_3__/* .failure */ .V2)(error, { operation: "GetObject", bucket: bucket.name, key });
    }
    if (received === bytes)
        return;
    throw new _errors_js__WEBPACK_IMPORTED_MODULE_1__/* .IntegrityError */ .cs(`${bucket.uri(key)} ended after ${received} of ${bytes} bytes`, {
        hint: "The connection to the store was cut: run it again.",
    });
}
/** The objects under `prefix` in key order (S3 sorts by the bytes of UTF-8). */
async function* list(bucket, prefix) {
    let from;
    do {
        const page = await bucket.ask("ListObjectsV2", undefined, (s3, http) => s3.listObjectsV2({ Bucket: bucket.name, Prefix: prefix, ContinuationToken: from }, http));
        yield* (page.Contents ?? []).map(listed);
        from = page.NextContinuationToken;
    } while (from !== undefined);
}
function listed({ Key = "", Size, ...rest }) {
    return describe(Key, { ...rest, ContentLength: Size });
}
/** Deletes exactly that version. No error when it is gone. */
async function remove(bucket, { key, versionId }) {
    const signal = bucket.cleanUp();
    try {
        const object = { Bucket: bucket.name, Key: key, VersionId: versionId };
        await bucket.ask("DeleteObject", key, (s3, http) => s3.deleteObject(object, http), signal);
    }
    catch (error) {
        if (!(error instanceof _storage_js__WEBPACK_IMPORTED_MODULE_4__/* .MissingObjectError */ .S))
            throw error;
    }
}


/***/ }),

/***/ 8259:
/***/ ((__unused_webpack___webpack_module__, __webpack_exports__, __webpack_require__) => {

/* harmony export */ __webpack_require__.d(__webpack_exports__, {
/* harmony export */   t: () => (/* binding */ usualLimits),
/* harmony export */   u: () => (/* binding */ attributes)
/* harmony export */ });
/* harmony import */ var _aws_sdk_client_s3__WEBPACK_IMPORTED_MODULE_2__ = __webpack_require__(3711);
/* harmony import */ var _errors_js__WEBPACK_IMPORTED_MODULE_0__ = __webpack_require__(452);
/* harmony import */ var _parts_js__WEBPACK_IMPORTED_MODULE_1__ = __webpack_require__(3495);



const maxAttempts = 8;
function usualLimits({ stallMs }) {
    return {
        partBytes: _parts_js__WEBPACK_IMPORTED_MODULE_1__/* .partBytes */ .rU,
        copyObjectBytes: 5 * 1024 ** 3,
        copyPartBytes: _parts_js__WEBPACK_IMPORTED_MODULE_1__/* .copyPartBytes */ .CA,
        silenceMs: Math.min(60_000, Math.max(10_000, stallMs / maxAttempts)),
        maxAttempts,
    };
}
/** @throws InputError when there is no such storage class */
function attributes({ storageClass, sse, kmsKeyId, objectTags }) {
    return {
        StorageClass: storageClassOf(storageClass),
        ServerSideEncryption: sse,
        SSEKMSKeyId: kmsKeyId,
        Tagging: tagging(objectTags),
    };
}
function storageClassOf(name) {
    const found = Object.values(_aws_sdk_client_s3__WEBPACK_IMPORTED_MODULE_2__/* .StorageClass */ .KDT).find((storageClass) => storageClass === name);
    if (found !== undefined || name === undefined)
        return found;
    const hint = `Use one of ${Object.values(_aws_sdk_client_s3__WEBPACK_IMPORTED_MODULE_2__/* .StorageClass */ .KDT).join(", ")}.`;
    throw new _errors_js__WEBPACK_IMPORTED_MODULE_0__/* .InputError */ .dz(`storage-class ${JSON.stringify(name)} is not known`, { hint });
}
/** Tags as PutObject takes them: a query string. */
function tagging(tags) {
    const pairs = Object.entries(tags).map((pair) => pair.map(encodeURIComponent).join("="));
    return pairs.length === 0 ? undefined : pairs.join("&");
}


/***/ }),

/***/ 3495:
/***/ ((__unused_webpack___webpack_module__, __webpack_exports__, __webpack_require__) => {

/* harmony export */ __webpack_require__.d(__webpack_exports__, {
/* harmony export */   CA: () => (/* binding */ copyPartBytes),
/* harmony export */   Ur: () => (/* binding */ partsInFlight),
/* harmony export */   rU: () => (/* binding */ partBytes)
/* harmony export */ });
/* unused harmony export maxParts */
const MiB = 1024 ** 2;
const GiB = 1024 ** 3;
/** S3 takes at most this many parts in one upload ("Amazon S3 multipart upload limits"). */
const maxParts = 10_000;
/** So many parts at least are of one size, and hold what is likely to come. Cloudflare R2 wants all of them to be. */
const equalParts = 2_800;
/** Then, if more comes than was likely, so many are of the next size. */
const partsOfASize = 400;
/**
 * The size in bytes of part `number` (from 1): 8 MiB, or more if `likelyBytes` would not fit otherwise; from part 2,801 on doubled
 * every 400 parts; at most 1 GiB.
 *
 * The length of a dump is not known beforehand, but that of its database is, which compressed dumps hardly reach. So the parts are as
 * small as they can be, for a small machine, and whatever comes, all of them together hold the largest object: 10,000 parts reach 5.09 TiB.
 * Larger than 1 GiB would come near the 2 GiB that a hash takes at once.
 *
 * @param likelyBytes 0 when nobody knows
 */
function partBytes(number, likelyBytes) {
    const equal = Math.max(8, Math.ceil(likelyBytes / equalParts / MiB)) * MiB;
    const doublings = Math.max(0, Math.ceil((number - equalParts) / partsOfASize));
    return Math.min(equal * 2 ** doublings, GiB);
}
/** How many parts of that size may be on their way at once: up to three, as long as they are 24 MiB together. */
function partsInFlight(bytes) {
    return Math.max(1, Math.min(3, Math.floor((24 * MiB) / bytes)));
}
/** The size in bytes of the pieces in which an object of `bytes` is copied on the server's side. */
function copyPartBytes(bytes) {
    return Math.max(GiB, Math.ceil(bytes / maxParts));
}


/***/ }),

/***/ 1843:
/***/ ((__unused_webpack___webpack_module__, __webpack_exports__, __webpack_require__) => {

/* harmony export */ __webpack_require__.d(__webpack_exports__, {
/* harmony export */   M1: () => (/* binding */ unfinished),
/* harmony export */   vf: () => (/* binding */ discard),
/* harmony export */   wm: () => (/* binding */ leftover)
/* harmony export */ });
/* harmony import */ var _errors_js__WEBPACK_IMPORTED_MODULE_0__ = __webpack_require__(452);
/* harmony import */ var _failure_js__WEBPACK_IMPORTED_MODULE_1__ = __webpack_require__(4294);


/** The uploads under `prefix` that were begun and not ended. */
async function* unfinished(bucket, prefix) {
    let page = {};
    do {
        const { NextKeyMarker: KeyMarker, NextUploadIdMarker: UploadIdMarker } = page;
        const from = { Bucket: bucket.name, Prefix: prefix, KeyMarker, UploadIdMarker };
        page = await bucket.ask("ListMultipartUploads", undefined, (s3, http) => s3.listMultipartUploads(from, http));
        for (const upload of page.Uploads ?? []) {
            const found = await inspect(bucket, upload);
            if (found !== undefined)
                yield found;
        }
    } while (page.IsTruncated === true);
}
/** An upload with its last sign of life; undefined when it has ended meanwhile. */
async function inspect(bucket, { Key: key = "", UploadId: uploadId = "", Initiated: begun = new Date(0) }) {
    let lastActive = begun;
    let page;
    do {
        page = await parts(bucket, { key, uploadId }, page?.NextPartNumberMarker, bucket.signal);
        for (const { LastModified } of page?.Parts ?? []) {
            if (LastModified !== undefined && LastModified > lastActive)
                lastActive = LastModified;
        }
    } while (page?.IsTruncated === true);
    return page && { key, uploadId, lastActive };
}
/** One page of an upload's parts; undefined when there is no such upload. */
async function parts(bucket, { key, uploadId }, after, signal) {
    const upload = { Bucket: bucket.name, Key: key, UploadId: uploadId, PartNumberMarker: after };
    return unlessGone(bucket.ask("ListParts", key, (s3, http) => s3.listParts(upload, http), signal));
}
/**
 * Ends an upload and frees its parts. A part that is on its way meanwhile may survive the first try, as
 * AbortMultipartUpload in the S3 API Reference warns: hence the look whether the upload is really gone.
 *
 * @throws StorageError that names the command which removes it by hand
 */
async function discard(bucket, upload, signal) {
    const ids = { Bucket: bucket.name, Key: upload.key, UploadId: upload.uploadId };
    for (let attempt = 1; attempt <= 3; attempt++) {
        await unlessGone(bucket.ask("AbortMultipartUpload", upload.key, (s3, http) => s3.abortMultipartUpload(ids, http), signal));
        if ((await parts(bucket, upload, undefined, signal)) === undefined)
            return;
    }
    throw new _errors_js__WEBPACK_IMPORTED_MODULE_0__/* .StorageError */ .aq(`AbortMultipartUpload ${bucket.uri(upload.key)} was obeyed, but parts remain`, {
        hint: byHand(bucket, upload),
    });
}
/** What failed, and besides that an upload is left over, which costs money until somebody removes it. */
function leftover(bucket, upload, { failed, unremoved }) {
    const what = `the unfinished upload ${upload.uploadId} of ${bucket.uri(upload.key)}`;
    const message = `${failed.message}; and ${what} could not be removed: ${unremoved.message}`;
    const hints = failed instanceof _errors_js__WEBPACK_IMPORTED_MODULE_0__/* .HoldfastError */ .Et ? [failed.hint] : [];
    return new _errors_js__WEBPACK_IMPORTED_MODULE_0__/* .StorageError */ .aq(message, {
        hint: [...hints, byHand(bucket, upload)].join(" "),
        cause: new AggregateError([failed, unremoved], message, { cause: failed }),
    });
}
function byHand(bucket, { key, uploadId }) {
    const quoted = `'${key.replaceAll("'", "'\\''")}'`;
    return `Remove the upload with: aws s3api abort-multipart-upload --bucket ${bucket.name} --key ${quoted} --upload-id ${uploadId}`;
}
async function unlessGone(answer) {
    try {
        return await answer;
    }
    catch (error) {
        if ((0,_failure_js__WEBPACK_IMPORTED_MODULE_1__/* .hasCode */ .up)(error, "NoSuchUpload"))
            return undefined;
        throw error;
    }
}


/***/ }),

/***/ 3606:
/***/ ((__unused_webpack___webpack_module__, __webpack_exports__, __webpack_require__) => {

/* harmony export */ __webpack_require__.d(__webpack_exports__, {
/* harmony export */   M: () => (/* binding */ write)
/* harmony export */ });
/* harmony import */ var node_events__WEBPACK_IMPORTED_MODULE_0__ = __webpack_require__(8474);
/* harmony import */ var _errors_js__WEBPACK_IMPORTED_MODULE_1__ = __webpack_require__(452);
/* harmony import */ var _checks_js__WEBPACK_IMPORTED_MODULE_2__ = __webpack_require__(3616);
/* harmony import */ var _commit_js__WEBPACK_IMPORTED_MODULE_3__ = __webpack_require__(8724);
/* harmony import */ var _multipart_js__WEBPACK_IMPORTED_MODULE_4__ = __webpack_require__(9425);
/* harmony import */ var _parts_js__WEBPACK_IMPORTED_MODULE_5__ = __webpack_require__(3495);
var __addDisposableResource = (undefined && undefined.__addDisposableResource) || function (env, value, async) {
    if (value !== null && value !== void 0) {
        if (typeof value !== "object" && typeof value !== "function") throw new TypeError("Object expected.");
        var dispose, inner;
        if (async) {
            if (!Symbol.asyncDispose) throw new TypeError("Symbol.asyncDispose is not defined.");
            dispose = value[Symbol.asyncDispose];
        }
        if (dispose === void 0) {
            if (!Symbol.dispose) throw new TypeError("Symbol.dispose is not defined.");
            dispose = value[Symbol.dispose];
            if (async) inner = dispose;
        }
        if (typeof dispose !== "function") throw new TypeError("Object not disposable.");
        if (inner) dispose = function() { try { inner.call(this); } catch (e) { return Promise.reject(e); } };
        env.stack.push({ value: value, dispose: dispose, async: async });
    }
    else if (async) {
        env.stack.push({ async: true });
    }
    return value;
};
var __disposeResources = (undefined && undefined.__disposeResources) || (function (SuppressedError) {
    return function (env) {
        function fail(e) {
            env.error = env.hasError ? new SuppressedError(e, env.error, "An error was suppressed during disposal.") : e;
            env.hasError = true;
        }
        var r, s = 0;
        function next() {
            while (r = env.stack.pop()) {
                try {
                    if (!r.async && s === 1) return s = 0, env.stack.push(r), Promise.resolve().then(next);
                    if (r.dispose) {
                        var result = r.dispose.call(r.value);
                        if (r.async) return s |= 2, Promise.resolve(result).then(next, function(e) { fail(e); return next(); });
                    }
                    else s |= 1;
                }
                catch (e) {
                    fail(e);
                }
            }
            if (s === 1) return env.hasError ? Promise.reject(env.error) : Promise.resolve();
            if (env.hasError) throw env.error;
        }
        return next();
    };
})(typeof SuppressedError === "function" ? SuppressedError : function (error, suppressed, message) {
    var e = new Error(message);
    return e.name = "SuppressedError", e.error = error, e.suppressed = suppressed, e;
});






/** Stores `body` under `key`: see `put` of Storage. */
async function write(bucket, { key, body, likelyBytes }, options) {
    const object = (0,_commit_js__WEBPACK_IMPORTED_MODULE_3__/* .newObject */ .wg)(key, options);
    if (Buffer.isBuffer(body))
        return putAtOnce(bucket, object, body);
    const sizeOf = (number) => bucket.limits.partBytes(number, likelyBytes);
    return stream(bucket, object, { body, sizeOf });
}
/** A body shorter than the first part needs one request, a longer one a multipart upload. */
async function stream(bucket, object, { body, sizeOf }) {
    const env_1 = { stack: [], error: void 0, hasError: false };
    try {
        const upload = new _multipart_js__WEBPACK_IMPORTED_MODULE_4__/* .Upload */ ._(bucket, object, bucket.checks.upload);
        const sum = bucket.checks.sum();
        const stopped = Promise.withResolvers();
        // A body may have stalled, and may not even heed that it is destroyed: nobody waits for it then. Nor does a body that has
        // failed wait for parts that are stuck.
        const _watch = __addDisposableResource(env_1, (0,node_events__WEBPACK_IMPORTED_MODULE_0__.addAbortListener)(upload.signal, () => {
            body.destroy((0,_errors_js__WEBPACK_IMPORTED_MODULE_1__/* .asError */ .zR)(upload.signal.reason));
            stopped.reject(upload.signal.reason);
        }), false);
        body.once("error", stopped.reject);
        try {
            const short = await Promise.race([
                pour(bucket, { body, sizeOf }, { upload, sum }),
                stopped.promise,
            ]);
            if (short !== undefined)
                return await putAtOnce(bucket, object, short);
            const whole = sum.whole();
            return { ...(await upload.complete(whole)), crc32: (0,_checks_js__WEBPACK_IMPORTED_MODULE_2__/* .crc32In */ .zu)(whole) };
        }
        catch (error) {
            throw await upload.abandon(error);
        }
    }
    catch (e_1) {
        env_1.error = e_1;
        env_1.hasError = true;
    }
    finally {
        __disposeResources(env_1);
    }
}
/** Sends a body part by part, until all are on their way; one that does not fill a single part it gives back. */
async function pour(bucket, { body, sizeOf }, { upload, sum }) {
    const spare = [];
    for await (const part of cut(body, sizeOf, spare)) {
        if (!upload.isBegun && part.length < sizeOf(1))
            return part;
        const check = bucket.checks.body(part);
        sum.add(part, check);
        const atOnce = (0,_parts_js__WEBPACK_IMPORTED_MODULE_5__/* .partsInFlight */ .Ur)(part.length);
        await upload.add({ bytes: part.length, atOnce }, sender(bucket, { bytes: part, check }, spare));
    }
    return undefined;
}
/**
 * Cuts `body` into buffers of `sizeOf(1)`, `sizeOf(2)` … bytes, the last one shorter; an empty body gives one empty
 * buffer. Buffers are taken from `spare` if one fits. Whoever is done with a buffer puts it there, so that memory
 * stays the same however long the body is.
 */
async function* cut(body, sizeOf, spare) {
    let number = 1;
    let part = take(spare, sizeOf(number));
    let filled = 0;
    for await (const chunk of body) {
        for (let at = 0; at < chunk.length;) {
            const copied = chunk.copy(part, filled, at);
            at += copied;
            filled += copied;
            if (filled < part.length)
                continue;
            yield part;
            number += 1;
            part = take(spare, sizeOf(number));
            filled = 0;
        }
    }
    if (filled > 0 || number === 1)
        yield part.subarray(0, filled);
}
function take(spare, bytes) {
    const buffer = spare.pop();
    return buffer?.length === bytes ? buffer : Buffer.allocUnsafeSlow(bytes);
}
/** A buffer is spare again only after success: a request that failed may still be reading it. */
function sender(bucket, { bytes, check }, spare) {
    return async (part, signal) => {
        const { ETag } = await bucket.ask("UploadPart", part.Key, (s3, http) => s3.uploadPart({ ...part, ...check, Body: bytes }, http), signal);
        spare.push(bytes);
        const { ChecksumCRC32 } = check;
        return { ETag, ChecksumCRC32 };
    };
}
async function putAtOnce(bucket, object, bytes) {
    const { key, described } = object;
    const check = bucket.checks.body(bytes);
    const request = {
        ...bucket.everyObject,
        ...described,
        ...(0,_commit_js__WEBPACK_IMPORTED_MODULE_3__/* .unlessTaken */ .G9)(object),
        ...check,
        Bucket: bucket.name,
        Key: key,
        Body: bytes,
    };
    const send = async () => {
        const { ETag: etag = "", VersionId: versionId } = await bucket.ask("PutObject", key, (s3, http) => s3.putObject(request, http), bucket.grace);
        return { key, bytes: bytes.length, modified: new Date(), etag, versionId };
    };
    return { ...(await (0,_commit_js__WEBPACK_IMPORTED_MODULE_3__/* .commit */ .cd)(bucket, object, send, async () => { })), crc32: (0,_checks_js__WEBPACK_IMPORTED_MODULE_2__/* .crc32In */ .zu)(check) };
}


/***/ })

};
;