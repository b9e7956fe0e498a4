/** Types of the API and of its client. A test compares those of the API with docs/openapi.json. */

export type Status = "queued" | "processing" | "completed" | "failed" | "cancelled";
export type Style = "fun" | "calm" | "background";
export type AspectRatio = "16:9" | "9:16" | "1:1" | "4:3";
export type Resolution = "480p" | "720p" | "1080p";
export type Priority = "normal" | "high";

/** Request for a video. */
export interface VideoRequest {
  /** 1 to 1000 characters (code points), at least one of them visible. */
  prompt: string;
  style: Style;
  /** Seconds, 1 to 60, whole or fractional. */
  duration: number;
  aspectRatio: AspectRatio;
  /** `normal` by default; `high` requires an account with permission. */
  priority?: Priority;
  /** One of the providers that this deployment offers for choice; omit it for the default. */
  provider?: string;
  /** Whole number from 0 to 4294967295. */
  seed?: number;
  /** What not to show: 1 to 500 characters. */
  negativePrompt?: string;
  /** `false` by default. */
  sound?: boolean;
  /** `720p` by default. */
  resolution?: Resolution;
}

/** Request for 1 to 50 videos, which is accepted as a whole or refused. */
export interface BatchRequest {
  items: VideoRequest[];
  /** Priority of the items that have none of their own. */
  priority?: Priority;
}

/** Job that was accepted. */
export interface Accepted {
  jobId: string;
  status: "queued";
}

/** Batch that was accepted, with its jobs in the order of the request. */
export interface AcceptedBatch {
  batchId: string;
  items: Accepted[];
}

/** Job as the API returns it. Times are ISO 8601 in UTC. URLs expire after some minutes; see `VideoJobs.renew`. */
export interface VideoJob {
  jobId: string;
  status: Status;
  /** Null until completed. */
  videoUrl: string | null;
  /** Message for the user; null unless failed. */
  errorMessage: string | null;
  prompt: string | null;
  /** A `Style`; old jobs can have other values. */
  style: string | null;
  /** Requested length in seconds. */
  duration: number | null;
  /** An `AspectRatio`; old jobs can have other values. */
  aspectRatio: string | null;
  createdAt: string;
  updatedAt: string;
  /** Increases with every change that is visible to the user. */
  version: number;
  /** 0 to 1; null until processing. */
  progress: number | null;
  /** Still image, as JPEG. */
  posterUrl: string | null;
  /** Animation of two or three seconds, as WebP. */
  previewUrl: string | null;
  priority: Priority;
  batchId: string | null;
  /** Estimate; null if unknown, and in lists. */
  estimatedSecondsLeft: number | null;
  /** Estimate; null if unknown, and in lists and live updates. */
  queuePosition: number | null;
  /** Provider that the request chose; null if it chose none. */
  provider: string | null;
  /** Whether the end of the prompt was omitted because of the provider's limit. */
  promptShortened: boolean;
  /** Properties of the video; null until completed. */
  output: Output | null;
  /** Cost by the provider's published prices; null if unknown. */
  estimatedCost: Estimate | null;
  /** Cost that the provider has reported so far; null if it reports none. */
  actualCost: Cost | null;
  /** Seed that was requested or chosen; null if the provider takes none. */
  seed: number | null;
  negativePrompt: string | null;
  sound: boolean;
  resolution: Resolution;
  /** Fields of the request that the provider can't honour. */
  ignored: string[];
}

/** Inclusive bounds. */
export interface Range {
  minimum: number;
  maximum: number;
}

/** What can be requested. */
export interface RequestOptions {
  styles: string[];
  aspectRatios: string[];
  /** For requests that name no provider. */
  resolutions: string[];
  /** Pixels. */
  sizes: { resolution: string; aspectRatio: string; width: number; height: number }[];
  /** Seconds. */
  duration: Range;
  promptLength: Range;
  negativePromptLength: Range;
  seed: Range;
  batchItems: Range;
  /** Those that a request can get, the default first, or may name (`selectable`). */
  providers: {
    name: string;
    selectable: boolean;
    resolutions: string[];
    sound: boolean;
    seed: boolean;
    negativePrompt: boolean;
    /** Prices of a second; empty if the provider publishes none. */
    prices: (Range & { resolution: string; sound: boolean; currency: "USD"; pricesAsOf: string | null })[];
  }[];
}

/** Estimate of a request. */
export interface VideoEstimate {
  provider: string;
  generations: number;
  /** Seconds of each generation. */
  lengths: number[];
  width: number;
  height: number;
  /** Null if the provider publishes no price. */
  price: Estimate | null;
  /** Null if no similar job has ended. */
  expectedSeconds: number | null;
  promptShortened: boolean;
  /** Fields that the provider can't honour. */
  ignored: string[];
}

/** Properties of a finished video. */
export interface Output {
  /** Actual length. */
  seconds: number;
  /** Pixels. */
  width: number;
  /** Pixels. */
  height: number;
  bytes: number;
  /** Number of generations that the video is joined from. */
  segments: number;
  /** Scripts of the prompt, such as `Tibetan`, whose text is not in the video, because the sketch has no typeface for them. */
  missingScripts: string[];
}

export interface Cost {
  amount: number;
  currency: "USD";
}

export interface Estimate {
  amount: number;
  currency: "USD";
  /** Date of the prices, as `2026-01-31`. */
  pricesAsOf: string | null;
}

/** Batch as the API returns it. */
export interface Batch {
  batchId: string;
  createdAt: string;
  /** Number of requested jobs. */
  total: number;
  /** Number of jobs in each status, without deleted jobs. */
  counts: Record<Status, number>;
}

/** Page of jobs, newest first. */
export interface Page {
  items: VideoJob[];
  /** Cursor of the next page; null on the last page. */
  nextCursor: string | null;
}

export interface Filter {
  status?: Status | null;
  batchId?: string | null;
  /** Jobs of a page, 1 to 100; 20 by default. */
  limit?: number;
  /** `nextCursor` of the page before. */
  cursor?: string | null;
}

/** Ticket that opens one live connection. */
export interface Ticket {
  /** Value of the query parameter `ticket`. */
  ticket: string;
  expiresAt: string;
}

/** Rate limit of the user, from the last response of its kind. */
export interface RateLimit {
  /** Calls that are allowed in the window. */
  limit: number;
  /** Calls that remain. */
  remaining: number;
  /** Seconds after that response until more calls are available. */
  resetSeconds: number;
  /** Length of the window. */
  windowSeconds: number;
}

export interface RateLimits {
  /** Limit of `generate`, `generateBatch` and `retry`; null before the first of them. */
  generate: RateLimit | null;
}

/** Code of an error that the API returned. */
export type ApiErrorCode =
  | "VALIDATION_ERROR"
  | "TOKEN_MISSING"
  | "TOKEN_INVALID"
  | "TOKEN_EXPIRED"
  | "FORBIDDEN"
  | "NOT_FOUND"
  | "CONFLICT"
  | "TOO_LARGE"
  | "IDEMPOTENCY_MISMATCH"
  | "UNSUPPORTED_MEDIA_TYPE"
  | "RATE_LIMITED"
  | "INTERNAL_ERROR"
  | "UNAVAILABLE";

/**
 * Code of an error of the client itself. `OFFLINE`: the browser has no network. `TIMEOUT`: no response within 30 s.
 * `ORIGIN_BLOCKED`: the server responds, but does not allow requests from the page's origin. `UNREACHABLE`: no response for
 * another reason. `BAD_RESPONSE`: the response is not one of the API, for example the page of a proxy.
 */
export type ClientErrorCode = "OFFLINE" | "TIMEOUT" | "ORIGIN_BLOCKED" | "UNREACHABLE" | "BAD_RESPONSE";
export type ErrorCode = ApiErrorCode | ClientErrorCode;

/** Invalid field of a request. */
export interface Detail {
  /** Path of the field, as `duration` or `items[4].duration`. */
  field: string;
  message: string;
}

export interface Options {
  /** Base URL to which `/api/videos` is appended; empty for the page's own origin. */
  apiUrl?: string;
  /** URL of the WebSocket API; without it, jobs are followed by polling. */
  liveUrl?: string | null;
  fetch?: typeof globalThis.fetch;
  WebSocket?: typeof globalThis.WebSocket;
  /** Returns a number from 0 to 1, for the jitter. */
  random?: () => number;
}

/** How changes are received: `live` over a WebSocket, `polling` over HTTP, `idle` while no job is followed. */
export type Mode = "idle" | "connecting" | "live" | "polling";

/**
 * Why jobs are polled. `NO_LIVE_URL`: the option `liveUrl` is not set. `SLOW_HANDSHAKE`: the connection was not open after
 * 3 s. `HANDSHAKE_REFUSED`: it could not be opened; a page can't read why (origin, session, limit, proxy or network).
 * `TICKET_REFUSED`: the request for a ticket failed. `CONNECTION_LOST`: it was closed or did not respond to a ping.
 * `RATE_LIMITED`: there were too many messages. `SUBSCRIPTION_REFUSED`: the server refused a message; the next poll reports
 * the cause.
 */
export type PollingReason =
  | "NO_LIVE_URL"
  | "SLOW_HANDSHAKE"
  | "HANDSHAKE_REFUSED"
  | "TICKET_REFUSED"
  | "CONNECTION_LOST"
  | "RATE_LIMITED"
  | "SUBSCRIPTION_REFUSED";
