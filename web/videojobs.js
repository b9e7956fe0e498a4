// @ts-check
/**
 * Client of Video Jobs for browsers: create jobs, control them, and follow their changes.
 *
 * This file has no dependencies and needs no build. The session is the platform's cookie, which the browser sends.
 *
 *     const videos = new VideoJobs({ liveUrl: "wss://live.example.com" });
 *     const { jobId } = await videos.generate({ prompt: "A kite over the sea", style: "calm", duration: 8, aspectRatio: "16:9" });
 *     const stop = videos.follow(jobId, (job) => console.log(job.status, job.progress));
 */

/** @typedef {"queued" | "processing" | "completed" | "failed" | "cancelled"} Status */
/** @typedef {"fun" | "calm" | "background"} Style */
/** @typedef {"16:9" | "9:16" | "1:1" | "4:3"} AspectRatio */

/**
 * Request for a video.
 * @typedef {object} VideoRequest
 * @property {string} prompt 1 to 1000 characters (code points), at least one of them visible.
 * @property {Style} style
 * @property {number} duration Seconds, 1 to 60, whole or fractional.
 * @property {AspectRatio} aspectRatio
 * @property {"normal" | "high"} [priority] `high` requires an account with permission.
 */

/**
 * Job as the API returns it. Times are ISO 8601 in UTC. URLs expire after some minutes.
 * @typedef {object} VideoJob
 * @property {string} jobId
 * @property {Status} status
 * @property {string | null} videoUrl Null until completed.
 * @property {string | null} errorMessage Message for the user; null unless failed.
 * @property {string | null} prompt
 * @property {Style | null} style
 * @property {number | null} duration Seconds.
 * @property {AspectRatio | null} aspectRatio
 * @property {string} createdAt
 * @property {string} updatedAt
 * @property {number} version Increases with every change that is visible to the user.
 * @property {number | null} progress 0 to 1.
 * @property {string | null} posterUrl Still image, as JPEG.
 * @property {string | null} previewUrl Animation of two or three seconds, as WebP.
 * @property {"normal" | "high"} priority
 * @property {string | null} batchId
 * @property {number | null} estimatedSecondsLeft Estimate; null if unknown.
 * @property {number | null} queuePosition Estimate; null if unknown.
 * @property {object | null} output See docs/openapi.json
 */

/**
 * @typedef {object} Options
 * @property {string} [apiUrl] Base URL to which `/api/videos` is appended; empty for the page's own origin.
 * @property {string | null} [liveUrl] URL of the WebSocket API; without it, jobs are followed by polling.
 * @property {typeof fetch} [fetch]
 * @property {typeof WebSocket} [WebSocket]
 * @property {() => number} [random] Returns a number from 0 to 1, for the jitter.
 */

/**
 * How changes are received: `live` over a WebSocket, `polling` over HTTP, `idle` while no job is followed.
 * @typedef {"idle" | "connecting" | "live" | "polling"} Mode
 */

/**
 * @typedef {object} Follow
 * @property {string | null} jobId Null for all of the user's jobs.
 * @property {(job: VideoJob) => void} onJob
 * @property {(error: VideoJobsError) => void} onError
 * @property {Set<string>} unfinished IDs of the jobs that had not ended in their last update.
 * @property {string | null} etag
 * @property {() => void} hurry Ends the pause before the next poll.
 */

/** @type {ReadonlySet<string>} */
export const ENDED = new Set(["completed", "failed", "cancelled"]);

const SECOND = 1000;
const CALL_TIMEOUT = 30 * SECOND;
const GENERATE_TRIES = 3;
/** A handshake takes at most as long as a cold start; after this time polling starts. */
const PATIENCE = 3 * SECOND;
const LONGEST_PAUSE = 60 * SECOND;
/** The window of the API's rate limits: after this time without messages, all of them are available again. */
const RATE_WINDOW = 60 * SECOND;
/** API Gateway closes a connection after 10 minutes without messages, and always after 2 hours. */
const PING_EVERY = 4 * 60 * SECOND;
const PONG_WITHIN = 10 * SECOND;
const RENEW_AFTER = 100 * 60 * SECOND;
const RENEW_SPREAD = 15 * 60 * SECOND;
const POLL_BUSY = 3 * SECOND;
const POLL_QUIET = 15 * SECOND;
const POLLED_JOBS = 50;

/** Error of a call that was refused or did not reach the API. */
export class VideoJobsError extends Error {
  /**
   * @param {string} message Message for the user.
   * @param {{ status?: number, code?: string, details?: { field: string, message: string }[], requestId?: string, retryAfter?: number | null }} facts
   */
  constructor(message, { status = 0, code = "UNREACHABLE", details = [], requestId = "", retryAfter = null } = {}) {
    super(message);
    this.name = "VideoJobsError";
    /** HTTP status; 0 if there was no response. */
    this.status = status;
    /** Error code for programs: `VALIDATION_ERROR`, `TOKEN_MISSING`, `NOT_FOUND`, `CONFLICT`, `RATE_LIMITED`, `UNREACHABLE`, … */
    this.code = code;
    /** Invalid fields of the request. */
    this.details = details;
    /** ID of the request, for support. */
    this.requestId = requestId;
    /** Seconds to wait before the next attempt, or null. */
    this.retryAfter = retryAfter;
  }

  /** Whether the user must sign in first. */
  get isSignedOut() {
    return this.status === 401;
  }

  /** Whether the same call can succeed later. */
  get isTemporary() {
    return this.status === 0 || this.status === 429 || this.status >= 500;
  }
}

/**
 * Client of the API for the signed-in user. Dispatches a `mode` event when `mode` changes.
 */
export class VideoJobs extends EventTarget {
  /** @type {Mode} */
  mode = "idle";

  #apiUrl;
  #fetch;
  #random;
  #live;
  /** @type {Set<Follow>} */
  #follows = new Set();
  /** @type {Map<string, number>} Newest delivered version, by job ID. */
  #versions = new Map();
  /** @type {AbortController | null} Stops polling. */
  #polling = null;

  /** @param {Options} [options] */
  constructor({ apiUrl = "", liveUrl = null, fetch, WebSocket, random = Math.random } = {}) {
    super();
    this.#apiUrl = apiUrl;
    this.#fetch = fetch ?? globalThis.fetch.bind(globalThis);
    this.#random = random;
    this.#live = liveUrl
      ? new LiveConnection({
          url: liveUrl,
          WebSocket: WebSocket ?? globalThis.WebSocket,
          random,
          askForTicket: () => this.ticket(),
          subscriptions: () => [...this.#follows].map(({ jobId }) => jobId),
          onUpdate: (job, version) => this.#receive(job, version),
          onMode: (mode) => this.#enter(mode),
        })
      : null;
  }

  /**
   * Create a job. A call without a response, or with a 503, is retried with the same key and creates no second job. So
   * is a 429 after such a call, because the job may exist.
   * @param {VideoRequest} request
   * @param {string} [idempotencyKey] Your own key, if you retry the request yourself.
   * @returns {Promise<{ jobId: string, status: "queued" }>}
   */
  async generate(request, idempotencyKey = crypto.randomUUID()) {
    let mayHaveLanded = false;
    for (let attempt = 1; ; attempt++) {
      try {
        const accepted = await this.#call("POST", "/api/videos/generate", request, { "Idempotency-Key": idempotencyKey });
        this.#hurry();
        return accepted;
      } catch (error) {
        if (!(error instanceof VideoJobsError) || attempt === GENERATE_TRIES) throw error;
        const isUnknown = error.status === 0 || error.status === 503;
        if (!isUnknown && !(mayHaveLanded && error.status === 429)) throw error;
        mayHaveLanded = true;
        await pause(error.retryAfter ? error.retryAfter * SECOND : this.#random() * 2 ** attempt * SECOND);
      }
    }
  }

  /**
   * Return the current state of a job.
   * @param {string} jobId
   * @returns {Promise<VideoJob>}
   */
  status(jobId) {
    return this.#call("GET", `/api/videos/${jobId}`);
  }

  /**
   * Return a page of the user's jobs, newest first. `nextCursor` is the cursor of the next page; null on the last page.
   * @param {{ status?: Status | null, batchId?: string | null, limit?: number, cursor?: string | null }} [filter]
   * @returns {Promise<{ items: VideoJob[], nextCursor: string | null }>}
   */
  async list(filter = {}) {
    const parameters = Object.entries(filter).filter(([, value]) => value != null);
    const query = new URLSearchParams(parameters.map(([name, value]) => [name, String(value)]));
    const page = await this.#call("GET", `/api/videos${parameters.length ? `?${query}` : ""}`);
    for (const follow of this.#follows) {
      if (follow.jobId === null) for (const job of page.items) note(follow, job);
    }
    return page;
  }

  /**
   * Cancel a queued or processing job. Idempotent. Fails with `CONFLICT` if the job has completed or failed.
   * @param {string} jobId
   * @returns {Promise<VideoJob>}
   */
  cancel(jobId) {
    return this.#call("POST", `/api/videos/${jobId}/cancel`);
  }

  /**
   * Start a failed or cancelled job again.
   * @param {string} jobId
   * @returns {Promise<VideoJob>}
   */
  async retry(jobId) {
    const job = await this.#call("POST", `/api/videos/${jobId}/retry`);
    this.#hurry();
    return job;
  }

  /**
   * Delete an ended job and its video permanently.
   * @param {string} jobId
   * @returns {Promise<void>}
   */
  remove(jobId) {
    return this.#call("DELETE", `/api/videos/${jobId}`);
  }

  /**
   * Return a URL that redirects to the video, for its signed-in owner. The URL does not expire.
   * @param {string} jobId
   * @param {{ download?: boolean }} [options] `download`: save the video under a readable file name instead of playing it.
   */
  contentUrl(jobId, { download = false } = {}) {
    return `${this.#apiUrl}/api/videos/${jobId}/content${download ? "?download" : ""}`;
  }

  /**
   * Return a ticket that opens one live connection, for pages whose cookie is not sent to the WebSocket API.
   * @returns {Promise<string>}
   */
  async ticket() {
    return (await this.#call("POST", "/api/realtime/ticket")).ticket;
  }

  /**
   * Call `onJob` with the current state of a job and with each change until it ends. Versions older than one that was
   * already delivered are dropped.
   * @param {string} jobId
   * @param {(job: VideoJob) => void} onJob
   * @param {(error: VideoJobsError) => void} [onError] Called when following ends early: the user is signed out, or the job is deleted.
   * @returns {() => void} Function that stops following.
   */
  follow(jobId, onJob, onError = () => {}) {
    const stop = this.#follow(jobId, onError, (job) => {
      onJob(job);
      if (ENDED.has(job.status)) stop();
    });
    return stop;
  }

  /**
   * Call `onJob` with the current state of the newest and the unfinished jobs, and with each change of any of the user's
   * jobs, including new ones.
   * @param {(job: VideoJob) => void} onJob
   * @param {(error: VideoJobsError) => void} [onError] Called when following ends: the user is signed out.
   * @returns {() => void} Function that stops following.
   */
  followAll(onJob, onError = () => {}) {
    return this.#follow(null, onError, onJob);
  }

  /**
   * @param {string | null} jobId
   * @param {Follow["onError"]} onError
   * @param {Follow["onJob"]} onJob
   */
  #follow(jobId, onError, onJob) {
    /** @type {Follow} */
    const follow = { jobId, onJob, onError, unfinished: new Set(), etag: null, hurry: () => {} };
    this.#follows.add(follow);
    if (this.#polling) this.#poll(follow, this.#polling.signal);
    else if (this.#live) this.#live.subscribe(jobId);
    else this.#enter("polling");
    return () => this.#stop(follow);
  }

  /** @param {Follow} follow */
  #stop(follow) {
    this.#follows.delete(follow);
    if (this.#follows.size) return;
    this.#live?.close();
    this.#enter("idle");
  }

  /** @param {Mode} mode */
  #enter(mode) {
    if (mode === "polling" && !this.#polling) {
      this.#polling = new AbortController();
      for (const follow of this.#follows) this.#poll(follow, this.#polling.signal);
    } else if (mode !== "polling") {
      this.#polling?.abort();
      this.#polling = null;
    }
    if (mode === this.mode) return;
    this.mode = mode;
    this.dispatchEvent(new Event("mode"));
  }

  /**
   * Handle an update from the connection, which may be a duplicate or out of order.
   * @param {VideoJob} job
   * @param {number} version
   */
  #receive(job, version) {
    if (version > (this.#versions.get(job.jobId) ?? -1)) this.#deliver({ ...job, version });
  }

  /**
   * Handle a response over HTTP. The same version again can contain new URLs or a better estimate.
   * @param {VideoJob} job
   */
  #learn(job) {
    if ((job.version ?? Infinity) >= (this.#versions.get(job.jobId) ?? -1)) this.#deliver(job);
  }

  /** @param {VideoJob} job */
  #deliver(job) {
    if (job.version !== undefined) this.#versions.set(job.jobId, job.version);
    for (const follow of this.#follows) {
      if (follow.jobId !== null && follow.jobId !== job.jobId) continue;
      note(follow, job);
      follow.onJob(job);
    }
  }

  /**
   * @param {Follow} follow
   * @param {AbortSignal} over
   */
  async #poll(follow, over) {
    for (let failures = 0; !over.aborted && this.#follows.has(follow); ) {
      let wait;
      try {
        wait = await (follow.jobId === null ? this.#askForAll(follow) : this.#askForOne(follow, follow.jobId));
        failures = 0;
      } catch (error) {
        if (!(error instanceof VideoJobsError)) throw error;
        if (!this.#follows.has(follow)) return;
        if (!error.isTemporary) {
          this.#stop(follow);
          follow.onError(error);
          return;
        }
        wait = error.retryAfter ? error.retryAfter * SECOND : backoff(failures++, this.#random);
      }
      await pause(wait, over, (end) => (follow.hurry = end));
    }
  }

  /** Poll now, because a job was created or started again. */
  #hurry() {
    for (const follow of this.#follows) follow.hurry();
  }

  /**
   * @param {Follow} follow
   * @param {string} jobId
   */
  async #askForOne(follow, jobId) {
    /** @type {Record<string, string>} */
    const headers = follow.etag ? { "If-None-Match": follow.etag } : {};
    const response = await this.#send("GET", `/api/videos/${jobId}`, undefined, headers);
    if (response.status !== 304) {
      follow.etag = response.headers.get("ETag");
      this.#learn((await response.json()).data);
    }
    return (readRetryAfter(response) ?? POLL_BUSY / SECOND) * SECOND;
  }

  /** @param {Follow} follow */
  async #askForAll(follow) {
    const { items } = await this.list({ limit: POLLED_JOBS });
    const shown = new Set(items.map(({ jobId }) => jobId));
    const older = [...follow.unfinished].filter((jobId) => !shown.has(jobId));
    for (const job of items) this.#learn(job);
    for (const jobId of older) {
      try {
        this.#learn(await this.status(jobId));
      } catch (error) {
        if (!(error instanceof VideoJobsError) || error.status !== 404) throw error;
        follow.unfinished.delete(jobId);
      }
    }
    return follow.unfinished.size ? POLL_BUSY : POLL_QUIET;
  }

  /** @param {[method: string, path: string, body?: object, headers?: Record<string, string>]} request */
  async #call(...request) {
    const response = await this.#send(...request);
    return response.status === 204 ? undefined : (await response.json()).data;
  }

  /**
   * @param {string} method
   * @param {string} path
   * @param {object} [body]
   * @param {Record<string, string>} [headers]
   */
  async #send(method, path, body, headers = {}) {
    let response;
    const id = crypto.randomUUID().replaceAll("-", "");
    if (body && !this.#apiUrl) headers = { ...headers, traceparent: `00-${id}-${id.slice(16)}-01` };
    try {
      response = await this.#fetch(this.#apiUrl + path, {
        method,
        headers: body ? { ...headers, "Content-Type": "application/json" } : headers,
        body: body && JSON.stringify(body),
        credentials: "include",
        cache: "no-store", // this client stores the ETags itself
        signal: AbortSignal.timeout(CALL_TIMEOUT),
      });
    } catch {
      throw new VideoJobsError("The server can’t be reached. Check your connection and try again.");
    }
    if (response.ok || response.status === 304) return response;
    const { error, requestId } = await response.json().catch(() => ({}));
    throw new VideoJobsError(error?.message ?? `The server answered ${response.status}. Try again in a moment.`, {
      status: response.status,
      code: error?.code ?? "INTERNAL_ERROR",
      details: error?.details ?? [],
      requestId,
      retryAfter: readRetryAfter(response),
    });
  }
}

/**
 * WebSocket for all followed jobs: opened on first use, replaced before it expires, and opened again after a failure.
 */
class LiveConnection {
  #options;
  /** @type {WebSocket | null} */
  #socket = null;
  #useTicket = false;
  #failures = 0;
  #isWanted = false;
  /** @type {Set<string | null>} Subscriptions that were sent over the socket; null for all jobs. */
  #subscribed = new Set();
  /** @type {Record<string, ReturnType<typeof setTimeout>>} */
  #timers = {};

  /**
   * @param {object} options
   * @param {string} options.url
   * @param {typeof WebSocket} options.WebSocket
   * @param {() => number} options.random
   * @param {() => Promise<string>} options.askForTicket
   * @param {() => (string | null)[]} options.subscriptions Returns job IDs; null for all jobs.
   * @param {(job: VideoJob, version: number) => void} options.onUpdate
   * @param {(mode: Mode) => void} options.onMode
   */
  constructor(options) {
    this.#options = options;
    globalThis.addEventListener?.("online", () => this.#isWanted && !this.#socket && this.#connect());
    // A ping detects a connection that was lost while the machine slept.
    globalThis.document?.addEventListener("visibilitychange", () => document.hidden || this.#ping());
  }

  /** @param {string | null} jobId */
  subscribe(jobId) {
    if (this.#socket) this.#request(jobId);
    else if (!this.#isWanted) {
      this.#isWanted = true;
      this.#options.onMode("connecting");
      this.#connect();
    }
  }

  close() {
    this.#isWanted = false;
    this.#failures = 0;
    this.#clear();
    this.#socket?.close(1000);
    this.#socket = null;
  }

  async #connect() {
    clearTimeout(this.#timers.again);
    if (!this.#socket) this.#after("patience", PATIENCE, () => this.#options.onMode("polling"));
    let ticket = "";
    try {
      if (this.#useTicket) ticket = `?ticket=${encodeURIComponent(await this.#options.askForTicket())}`;
    } catch {
      this.#broke(null);
      return;
    }
    if (!this.#isWanted) return;
    const socket = new this.#options.WebSocket(this.#options.url + ticket);
    let isOpen = false;
    socket.onopen = () => {
      isOpen = true;
      if (this.#isWanted) this.#adopt(socket);
      else socket.close(1000);
    };
    socket.onmessage = ({ data }) => socket === this.#socket && this.#read(data);
    socket.onclose = () => {
      // A page can't read why a handshake was refused, so the next one uses a ticket instead of the cookie, or the reverse.
      if (!isOpen) this.#useTicket = !this.#useTicket;
      if (socket === this.#socket || !isOpen) this.#broke(socket);
    };
  }

  /** @param {WebSocket} socket */
  #adopt(socket) {
    const former = this.#socket;
    this.#socket = socket;
    this.#clear();
    this.#after("ping", PING_EVERY, () => this.#ping());
    this.#after("renew", RENEW_AFTER + this.#options.random() * RENEW_SPREAD, () => this.#connect());
    this.#subscribed.clear();
    const jobIds = this.#options.subscriptions();
    for (const jobId of jobIds.includes(null) ? [null] : jobIds) this.#request(jobId);
    this.#options.onMode("live");
    former?.close(1000); // only after the new connection is open
  }

  /** @param {string} text */
  #read(text) {
    const message = parse(text);
    if (message?.type === "error") {
      // The next poll over HTTP reports the cause. An early handshake would count towards the limit that was reached.
      const isLimited = message.code === "RATE_LIMITED";
      this.#broke(this.#socket, isLimited ? (1 + this.#options.random()) * RATE_WINDOW : undefined);
      return;
    }
    this.#failures = 0;
    if (message?.type === "job.updated") this.#options.onUpdate(message.data, message.version);
    else if (message?.type === "pong") clearTimeout(this.#timers.pong);
  }

  #ping() {
    if (!this.#socket) return;
    this.#say({ action: "ping" });
    this.#after("pong", PONG_WITHIN, () => this.#broke(this.#socket));
    this.#after("ping", PING_EVERY, () => this.#ping());
  }

  /**
   * @param {WebSocket | null} socket
   * @param {number} [wait] Milliseconds until the next handshake; by default the backoff after a failure.
   */
  #broke(socket, wait) {
    if (socket) socket.onclose = null;
    socket?.close();
    if (socket === this.#socket) {
      this.#socket = null;
      this.#clear();
    }
    if (!this.#isWanted) return;
    if (!this.#socket) this.#options.onMode("polling");
    this.#after("again", wait ?? backoff(this.#failures++, this.#options.random), () => this.#connect());
  }

  /**
   * Subscribe, once per socket: the API refuses a second subscription to all jobs within seconds.
   * @param {string | null} jobId
   */
  #request(jobId) {
    if (this.#subscribed.has(jobId)) return;
    this.#subscribed.add(jobId);
    this.#say({ action: "subscribe", ...(jobId && { jobId }) });
  }

  /** @param {object} message */
  #say(message) {
    this.#socket?.send(JSON.stringify(message));
  }

  /**
   * @param {string} name
   * @param {number} milliseconds
   * @param {() => void} act
   */
  #after(name, milliseconds, act) {
    clearTimeout(this.#timers[name]);
    this.#timers[name] = setTimeout(act, milliseconds);
  }

  #clear() {
    for (const timer of Object.values(this.#timers)) clearTimeout(timer);
  }
}

/**
 * Return a delay in milliseconds with full jitter below a limit that doubles with each failure, https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/
 * @param {number} failures
 * @param {() => number} random
 */
function backoff(failures, random) {
  return random() * Math.min(LONGEST_PAUSE, SECOND * 2 ** (failures + 1));
}

/**
 * Record whether a job is unfinished, so that it is still polled when it is no longer among the newest.
 * @param {Follow} follow
 * @param {VideoJob} job
 */
function note(follow, job) {
  if (ENDED.has(job.status)) follow.unfinished.delete(job.jobId);
  else follow.unfinished.add(job.jobId);
}

/** @param {Response} response */
function readRetryAfter(response) {
  const seconds = Number.parseInt(response.headers.get("Retry-After") ?? "", 10);
  return Number.isNaN(seconds) ? null : seconds;
}

/** @param {string} text */
function parse(text) {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

/**
 * @param {number} milliseconds
 * @param {AbortSignal} [over] Ends the pause when aborted, as does the function that is passed to `begin`.
 * @param {(end: () => void) => void} [begin]
 * @returns {Promise<void>}
 */
function pause(milliseconds, over, begin) {
  return new Promise((resolve) => {
    const timer = setTimeout(end, milliseconds);
    begin?.(end);
    over?.addEventListener("abort", end);

    function end() {
      clearTimeout(timer);
      over?.removeEventListener("abort", end);
      resolve();
    }
  });
}
