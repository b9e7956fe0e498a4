export type * from "./types.js";
/**
 * Return the time at which a presigned URL of Amazon S3 expires; null for any other URL.
 * @param {string} url
 * @returns {Date | null}
 */
export function expiryOf(url: string): Date | null;
/** Return 32 random hexadecimal digits, for an `Idempotency-Key`, also on pages without HTTPS. */
export function randomId(): string;
/** Statuses of jobs that have ended. */
export const ENDED: ReadonlySet<string>;
/** Error of a call that was refused or did not reach the API. */
export class VideoJobsError extends Error {
    /**
     * @param {string} message Message for the user.
     * @param {{ status?: number, code?: ErrorCode, details?: Detail[], requestId?: string, retryAfter?: number | null }} facts
     */
    constructor(message: string, { status, code, details, requestId, retryAfter }?: {
        status?: number;
        code?: ErrorCode;
        details?: Detail[];
        requestId?: string;
        retryAfter?: number | null;
    });
    /** HTTP status; 0 if there was no response. */
    status: number;
    /** Error code for programs. */
    code: ErrorCode;
    /** Invalid fields of the request. */
    details: Detail[];
    /** ID of the request, for support; empty if there was no response of the API. */
    requestId: string;
    /** Seconds to wait before the next attempt, or null. */
    retryAfter: number | null;
    /** Whether the user must sign in first. */
    get isSignedOut(): boolean;
    /** Whether the same call can succeed later. */
    get isTemporary(): boolean;
}
/**
 * Client of the API for the signed-in user: create jobs, control them, and follow their changes. It has no dependencies. The
 * session is the platform's cookie, which the browser sends.
 *
 *     const videos = new VideoJobs({ liveUrl: "wss://live.example.com" });
 *     const { jobId } = await videos.generate({ prompt: "A kite over the sea", style: "calm", duration: 8, aspectRatio: "16:9" });
 *     const stop = videos.follow(jobId, (job) => console.log(job.status, job.progress));
 *
 * Dispatches the event `mode` when `mode` or `pollingReason` changes, and the event `ratelimit` when `rateLimits` changes.
 */
export class VideoJobs extends EventTarget {
    /** @param {Options} [options] */
    constructor({ apiUrl, liveUrl, fetch, WebSocket, random }?: Options);
    mode: Mode;
    /** Null unless `mode` is `polling`. */
    pollingReason: PollingReason | null;
    rateLimits: RateLimits;
    /**
     * Create a job. If the outcome of the call is unknown (no response, 502, 503, 504, or a response that is not of the API),
     * it is retried with the same key and creates no second job. So is a 429 after such a call, because the job may exist.
     * A 503 that asks for a wait of more than 10 s is not retried.
     * @param {VideoRequest} request
     * @param {string} [idempotencyKey] Your own key, if you retry the request yourself.
     * @returns {Promise<Accepted>}
     */
    generate(request: VideoRequest, idempotencyKey?: string): Promise<Accepted>;
    /**
     * Return the values that requests can have, and the providers with their prices.
     * @returns {Promise<RequestOptions>}
     */
    options(): Promise<RequestOptions>;
    /**
     * Return the provider, the generations, the price and the expected time of a request. Creates nothing.
     * @param {VideoRequest} request
     * @returns {Promise<VideoEstimate>}
     */
    estimate(request: VideoRequest): Promise<VideoEstimate>;
    /**
     * Create 1 to 50 jobs, or none of them. The call is retried as by `generate`.
     * @param {BatchRequest} request
     * @param {string} [idempotencyKey] Your own key, if you retry the request yourself.
     * @returns {Promise<AcceptedBatch>}
     */
    generateBatch(request: BatchRequest, idempotencyKey?: string): Promise<AcceptedBatch>;
    /**
     * Return the current state of a job.
     * @param {string} jobId
     * @returns {Promise<VideoJob>}
     */
    status(jobId: string): Promise<VideoJob>;
    /**
     * Return the job with URLs that are valid for at least a minute. The API is called only if a URL of the job expires
     * earlier, by the clock of this device. After an error of a media element, and for a link that you share, call `status`
     * instead: its URLs are valid for 10 to 15 minutes.
     * @param {VideoJob} job
     * @returns {Promise<VideoJob>}
     */
    renew(job: VideoJob): Promise<VideoJob>;
    /**
     * Return a page of the user's jobs, newest first.
     * @param {Filter} [filter]
     * @returns {Promise<Page>}
     */
    list(filter?: Filter): Promise<Page>;
    /**
     * Return the number of a batch's jobs in each status. `list({ batchId })` returns the jobs.
     * @param {string} batchId
     * @returns {Promise<Batch>}
     */
    batch(batchId: string): Promise<Batch>;
    /**
     * Cancel a queued or processing job. Idempotent. Fails with `CONFLICT` if the job has completed or failed.
     * @param {string} jobId
     * @returns {Promise<VideoJob>}
     */
    cancel(jobId: string): Promise<VideoJob>;
    /**
     * Start a failed or cancelled job again, with its seed or a new one.
     * @param {string} jobId
     * @param {{ seed: "new" }} [changes]
     * @returns {Promise<VideoJob>}
     */
    retry(jobId: string, changes?: {
        seed: "new";
    }): Promise<VideoJob>;
    /**
     * Delete an ended job and its video permanently.
     * @param {string} jobId
     * @returns {Promise<void>}
     */
    remove(jobId: string): Promise<void>;
    /**
     * Delete all jobs, batches and videos of the user permanently.
     * @returns {Promise<boolean>} True if nothing is left; false while the rest is deleted in the background. Call again to check.
     */
    removeAll(): Promise<boolean>;
    /**
     * Return a URL that redirects to the video, for its signed-in owner. The URL does not expire.
     * @param {string} jobId
     * @param {{ download?: boolean }} [options] `download`: save the video under a readable file name instead of playing it.
     */
    contentUrl(jobId: string, { download }?: {
        download?: boolean;
    }): string;
    /**
     * Return a ticket that opens one live connection, for a WebSocket of your own. `follow` requests the tickets that it needs.
     * @returns {Promise<Ticket>}
     */
    ticket(): Promise<Ticket>;
    /**
     * Call `onJob` with the current state of a job and with each change until it ends. Versions older than one that was
     * already delivered are dropped. The same version can be delivered again with new URLs, for example after a reconnection.
     * @param {string} jobId
     * @param {(job: VideoJob) => void} onJob
     * @param {(error: VideoJobsError) => void} [onError] Called when following ends early: the user is signed out, or the job is deleted.
     * @returns {() => void} Function that stops following.
     */
    follow(jobId: string, onJob: (job: VideoJob) => void, onError?: (error: VideoJobsError) => void): () => void;
    /**
     * Call `onJob` with the current state of the newest and the unfinished jobs, and with each change of any of the user's
     * jobs, including new ones. Deletions are not reported.
     * @param {(job: VideoJob) => void} onJob
     * @param {(error: VideoJobsError) => void} [onError] Called when following ends: the user is signed out.
     * @returns {() => void} Function that stops following.
     */
    followAll(onJob: (job: VideoJob) => void, onError?: (error: VideoJobsError) => void): () => void;
    #private;
}
import type { ErrorCode } from "./types.js";
import type { Detail } from "./types.js";
import type { Mode } from "./types.js";
import type { PollingReason } from "./types.js";
import type { RateLimits } from "./types.js";
import type { VideoRequest } from "./types.js";
import type { Accepted } from "./types.js";
import type { RequestOptions } from "./types.js";
import type { VideoEstimate } from "./types.js";
import type { BatchRequest } from "./types.js";
import type { AcceptedBatch } from "./types.js";
import type { VideoJob } from "./types.js";
import type { Filter } from "./types.js";
import type { Page } from "./types.js";
import type { Batch } from "./types.js";
import type { Ticket } from "./types.js";
import type { Options } from "./types.js";
