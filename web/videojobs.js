// @ts-check
/** Client of Video Jobs for browsers. Its public members are described in videojobs.d.ts. */

/** @import { VideoRequest, BatchRequest, Accepted, AcceptedBatch, VideoJob, Batch, Page, Filter, Ticket, RequestOptions, VideoEstimate, RateLimits, ErrorCode, Detail, Options, Mode, PollingReason } from "./types.js" */
/** @import { Call, Follow, LiveOptions, Reply } from "./internal.js" */

/** @type {ReadonlySet<string>} */
export const ENDED = new Set(["completed", "failed", "cancelled"]);

const SECOND = 1000;
const CALL_TIMEOUT = 30 * SECOND;
const GENERATE_TRIES = 3;
const LONGEST_WAIT_SECONDS = 10;
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
/** After this time, all messages of a snapshot have arrived. */
const SNAPSHOT_WITHIN = 5 * SECOND;
/** `renew` replaces URLs that are valid for less than this. */
const RENEW_MARGIN = 60 * SECOND;
/** Statuses, besides 0, after which it is unknown whether the request had an effect. */
const UNKNOWN_OUTCOMES = new Set([502, 503, 504]);

export class VideoJobsError extends Error {
  /** @param {string} message @param {{ status?: number, code?: ErrorCode, details?: Detail[], requestId?: string, retryAfter?: number | null }} facts */
  constructor(message, { status = 0, code = "UNREACHABLE", details = [], requestId = "", retryAfter = null } = {}) {
    super(message);
    this.name = "VideoJobsError";
    this.status = status;
    this.code = code;
    this.details = details;
    this.requestId = requestId;
    this.retryAfter = retryAfter;
  }

  get isSignedOut() {
    return this.status === 401;
  }

  get isTemporary() {
    if (this.code === "ORIGIN_BLOCKED") return false;
    return this.status < 400 || this.status === 429 || this.status >= 500;
  }
}

export class VideoJobs extends EventTarget {
  /** @type {Mode} */
  mode = "idle";
  /** @type {PollingReason | null} Null unless `mode` is `polling`. */
  pollingReason = null;
  /** @type {RateLimits} */
  rateLimits = { generate: null };

  #apiUrl;
  #fetch;
  #random;
  #live;
  /** @type {Set<Follow>} */
  #follows = new Set();
  /** @type {Map<string, { job: VideoJob, version: number, connection: number }>} Newest delivered update, by job ID. */
  #known = new Map();
  /** Number of the live connection. */
  #connection = 0;
  /** Whether a response could be read, which means that the page's origin is allowed. */
  #isAllowed = false;
  /** @type {AbortController | null} Stops polling. */
  #polling = null;

  /** @param {Options} [options] */
  constructor({ apiUrl = "", liveUrl = null, fetch, WebSocket, random = Math.random } = {}) {
    super();
    this.#apiUrl = apiUrl;
    this.#fetch = fetch ?? globalThis.fetch.bind(globalThis);
    this.#random = random;
    globalThis.addEventListener?.("online", () => this.#hurry());
    this.#live = liveUrl
      ? new LiveConnection({
          url: liveUrl,
          WebSocket: WebSocket ?? globalThis.WebSocket,
          random,
          askForTicket: async () => (await this.ticket()).ticket,
          subscriptions: () => [...this.#follows].map(({ jobId }) => jobId),
          onUpdate: (job, version) => this.#receive(job, version),
          onOpen: () => this.#connection++,
          onSnapshot: () => this.#catchUp(),
          onMode: (mode, reason) => this.#enter(mode, reason),
        })
      : null;
  }

  /** @param {VideoRequest} request @param {string} [idempotencyKey] @returns {Promise<Accepted>} */
  generate(request, idempotencyKey = randomId()) {
    return this.#create("/api/videos/generate", request, idempotencyKey);
  }

  /** @returns {Promise<RequestOptions>} */
  options() {
    return this.#call("GET", "/api/videos/options");
  }

  /** @param {VideoRequest} request @returns {Promise<VideoEstimate>} */
  estimate(request) {
    return this.#call("POST", "/api/videos/estimate", request);
  }

  /** @param {BatchRequest} request @param {string} [idempotencyKey] @returns {Promise<AcceptedBatch>} */
  generateBatch(request, idempotencyKey = randomId()) {
    return this.#create("/api/videos/batch", request, idempotencyKey);
  }

  /** @param {string} path @param {object} request @param {string} idempotencyKey */
  async #create(path, request, idempotencyKey) {
    let mayHaveLanded = false;
    for (let attempt = 1; ; attempt++) {
      try {
        const accepted = await this.#call("POST", path, request, { "Idempotency-Key": idempotencyKey });
        this.#hurry();
        return accepted;
      } catch (error) {
        if (!(error instanceof VideoJobsError) || attempt === GENERATE_TRIES) throw error;
        const isUnknown = error.isTemporary && (error.status < 400 || UNKNOWN_OUTCOMES.has(error.status));
        const isLong = error.status === 503 && (error.retryAfter ?? 0) > LONGEST_WAIT_SECONDS;
        // After an unknown outcome, the job may exist although the limit refused its second request.
        if (isLong || (!isUnknown && !(mayHaveLanded && error.status === 429))) throw error;
        mayHaveLanded = true;
        await pause(error.retryAfter ? error.retryAfter * SECOND : this.#random() * 2 ** attempt * SECOND);
      }
    }
  }

  /** @param {string} jobId @returns {Promise<VideoJob>} */
  status(jobId) {
    return this.#call("GET", `/api/videos/${jobId}`);
  }

  /** @param {VideoJob} job @returns {Promise<VideoJob>} */
  async renew(job) {
    const times = [job.videoUrl, job.posterUrl, job.previewUrl].flatMap((url) => (url ? [expiryOf(url)?.getTime() ?? 0] : []));
    return Math.min(...times) > Date.now() + RENEW_MARGIN ? job : this.status(job.jobId);
  }

  /** @param {Filter} [filter] @returns {Promise<Page>} */
  async list(filter = {}) {
    const parameters = Object.entries(filter).filter(([, value]) => value != null);
    const query = new URLSearchParams(parameters.map(([name, value]) => [name, String(value)]));
    const page = await this.#call("GET", `/api/videos${parameters.length ? `?${query}` : ""}`);
    for (const follow of this.#follows) {
      if (follow.jobId === null) for (const job of page.items) note(follow, job);
    }
    return page;
  }

  /** @param {string} batchId @returns {Promise<Batch>} */
  batch(batchId) {
    return this.#call("GET", `/api/batches/${batchId}`);
  }

  /** @param {string} jobId @returns {Promise<VideoJob>} */
  cancel(jobId) {
    return this.#call("POST", `/api/videos/${jobId}/cancel`);
  }

  /** @param {string} jobId @param {{ seed: "new" }} [changes] @returns {Promise<VideoJob>} */
  async retry(jobId, changes) {
    const job = await this.#call("POST", `/api/videos/${jobId}/retry`, changes);
    this.#hurry();
    return job;
  }

  /** @param {string} jobId @returns {Promise<void>} */
  async remove(jobId) {
    await this.#call("DELETE", `/api/videos/${jobId}`);
    this.#known.delete(jobId);
  }

  /** @returns {Promise<boolean>} */
  async removeAll() {
    const erasure = await this.#call("DELETE", "/api/users/me/videos");
    this.#known.clear();
    return erasure === undefined;
  }

  /** @param {string} jobId @param {{ download?: boolean }} [options] */
  contentUrl(jobId, { download = false } = {}) {
    return `${this.#apiUrl}/api/videos/${jobId}/content${download ? "?download" : ""}`;
  }

  /** @returns {Promise<Ticket>} */
  ticket() {
    return this.#call("POST", "/api/realtime/ticket");
  }

  /** @param {string} jobId @param {(job: VideoJob) => void} onJob @param {(error: VideoJobsError) => void} [onError] @returns {() => void} */
  follow(jobId, onJob, onError = () => {}) {
    const stop = this.#follow(jobId, onError, (job) => {
      onJob(job);
      if (ENDED.has(job.status)) stop();
    });
    return stop;
  }

  /** @param {(job: VideoJob) => void} onJob @param {(error: VideoJobsError) => void} [onError] @returns {() => void} */
  followAll(onJob, onError = () => {}) {
    return this.#follow(null, onError, onJob);
  }

  /** @param {string | null} jobId @param {Follow["onError"]} onError @param {Follow["onJob"]} onJob */
  #follow(jobId, onError, onJob) {
    /** @type {Follow} */
    const follow = { jobId, onJob, onError, unfinished: new Set(), etag: null, hurry: () => {} };
    this.#follows.add(follow);
    if (this.#polling) this.#poll(follow, this.#polling.signal);
    else if (this.#live) {
      if (this.mode === "live") this.#replay(follow);
      this.#live.subscribe(jobId);
    } else this.#enter("polling", "NO_LIVE_URL");
    return () => this.#stop(follow);
  }

  /** @param {Follow} follow */
  #stop(follow) {
    this.#follows.delete(follow);
    if (this.#follows.size) return;
    this.#live?.close();
    this.#enter("idle");
  }

  /** Deliver what the connection has already sent, because it sends the snapshot of a subscription once. @param {Follow} follow */
  #replay(follow) {
    const jobs = [...this.#known.values()].filter(({ connection }) => connection === this.#connection).map(({ job }) => job);
    queueMicrotask(() => {
      for (const job of jobs) if (this.#known.get(job.jobId)?.job === job) this.#notify(follow, job);
    });
  }

  /** Request the unfinished jobs that a snapshot did not contain, for example because they ended while this device slept. */
  async #catchUp() {
    for (const follow of this.#follows) {
      for (const jobId of follow.jobId === null ? [...follow.unfinished] : []) {
        if (this.#known.get(jobId)?.connection === this.#connection) continue;
        try {
          await this.#askForOlder(follow, jobId);
        } catch {
          return; // the connection or the next one reports the cause
        }
      }
    }
  }

  /** @param {Mode} mode @param {PollingReason | null} [reason] */
  #enter(mode, reason = null) {
    if (mode === "polling" && !this.#polling) {
      this.#polling = new AbortController();
      for (const follow of this.#follows) this.#poll(follow, this.#polling.signal);
    } else if (mode !== "polling") {
      this.#polling?.abort();
      this.#polling = null;
    }
    if (mode === this.mode && reason === this.pollingReason) return;
    this.mode = mode;
    this.pollingReason = reason;
    this.dispatchEvent(new Event("mode"));
  }

  /** A new connection repeats jobs of the same version with new URLs. @param {VideoJob} job @param {number} version */
  #receive(job, version) {
    const known = this.#known.get(job.jobId);
    const isKnown = known && (version < known.version || (version === known.version && known.connection === this.#connection));
    if (!isKnown) this.#deliver({ ...job, version }, version);
  }

  /** The same version over HTTP can contain new URLs or a better estimate. @param {VideoJob} job */
  #learn(job) {
    const version = this.#known.get(job.jobId)?.version ?? -1;
    if ((job.version ?? Infinity) >= version) this.#deliver(job, job.version ?? version);
  }

  /** @param {VideoJob} job @param {number} version */
  #deliver(job, version) {
    this.#known.set(job.jobId, { job, version, connection: this.#connection });
    for (const follow of this.#follows) this.#notify(follow, job);
  }

  /** An error of a follower is reported to the page and does not end the following. @param {Follow} follow @param {VideoJob} job */
  #notify(follow, job) {
    if (!this.#follows.has(follow) || (follow.jobId !== null && follow.jobId !== job.jobId)) return;
    note(follow, job);
    try {
      follow.onJob(job);
    } catch (error) {
      report(error);
    }
  }

  /** @param {Follow} follow @param {AbortSignal} over */
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

  /** @param {Follow} follow @param {string} jobId */
  async #askForOne(follow, jobId) {
    /** @type {Record<string, string>} */
    const headers = follow.etag ? { "If-None-Match": follow.etag } : {};
    const response = await this.#send("GET", `/api/videos/${jobId}`, undefined, headers);
    if (response.status !== 304) {
      follow.etag = response.headers.get("ETag");
      this.#learn(response.data);
    }
    return (readRetryAfter(response.headers) ?? POLL_BUSY / SECOND) * SECOND;
  }

  /** @param {Follow} follow */
  async #askForAll(follow) {
    const { items } = await this.list({ limit: POLLED_JOBS });
    const shown = new Set(items.map(({ jobId }) => jobId));
    const older = [...follow.unfinished].filter((jobId) => !shown.has(jobId));
    for (const job of items) this.#learn(job);
    for (const jobId of older) await this.#askForOlder(follow, jobId);
    return follow.unfinished.size ? POLL_BUSY : POLL_QUIET;
  }

  /** @param {Follow} follow @param {string} jobId */
  async #askForOlder(follow, jobId) {
    try {
      this.#learn(await this.status(jobId));
    } catch (error) {
      if (!(error instanceof VideoJobsError) || error.status !== 404) throw error;
      follow.unfinished.delete(jobId);
    }
  }

  /** @param {Call} request */
  async #call(...request) {
    return (await this.#send(...request)).data;
  }

  /** @param {Call[0]} method @param {Call[1]} path @param {Call[2]} [body] @param {Call[3]} [headers] @returns {Promise<Reply>} */
  async #send(method, path, body, headers = {}) {
    let response, text;
    const id = randomId();
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
      this.#isAllowed = true;
      text = await response.text();
    } catch (error) {
      throw await this.#explain(error);
    }
    this.#readRateLimit(response.headers);
    const { status } = response;
    if (status === 204 || status === 304) return { status, headers: response.headers, data: undefined };
    const content = parse(text);
    if (response.ok && content?.data !== undefined) return { status, headers: response.headers, data: content.data };
    if (!response.ok && content?.error?.code) {
      const { code, message, details } = content.error;
      throw new VideoJobsError(message, { status, code, details, requestId: content.requestId, retryAfter: readRetryAfter(response.headers) });
    }
    const message = `The server answered ${status} with a response that this page can’t read. Try again in a moment.`;
    throw new VideoJobsError(message, { status, code: "BAD_RESPONSE", retryAfter: readRetryAfter(response.headers) });
  }

  /**
   * Return the error of a call without a response. A browser reports a blocked origin and a lost network as the same
   * error. A request whose response can't be read succeeds if the server is reachable.
   * @param {any} error
   */
  async #explain(error) {
    if (globalThis.navigator?.onLine === false) {
      return new VideoJobsError("The server can’t be reached because this device is offline. Connect to the internet, then try again.", { code: "OFFLINE" });
    }
    if (error?.name === "TimeoutError") {
      return new VideoJobsError("The server took too long to respond. Try again in a moment.", { code: "TIMEOUT" });
    }
    const page = globalThis.location?.origin;
    if (page && this.#apiUrl && !this.#isAllowed && new URL(this.#apiUrl, page).origin !== page) {
      /** @type {RequestInit} */
      const probe = { mode: "no-cors", credentials: "omit", cache: "no-store", signal: AbortSignal.timeout(CALL_TIMEOUT) };
      const isReachable = await this.#fetch(`${this.#apiUrl}/api/videos`, probe).then(() => true, () => false);
      const message = `The server does not allow requests from ${page}. Add this origin to AllowedOrigins of the API.`;
      if (isReachable) return new VideoJobsError(message, { code: "ORIGIN_BLOCKED" });
    }
    return new VideoJobsError("The server can’t be reached. Check your connection and try again.");
  }

  /** @param {Headers} headers */
  #readRateLimit(headers) {
    const state = /^"generate";r=(\d+);t=(\d+)$/.exec(headers.get("RateLimit") ?? "");
    const policy = /;q=(\d+);w=(\d+)$/.exec(headers.get("RateLimit-Policy") ?? "");
    if (!state || !policy) return;
    const [remaining, resetSeconds, limit, windowSeconds] = [state[1], state[2], policy[1], policy[2]].map(Number);
    this.rateLimits = { generate: { limit, remaining, resetSeconds, windowSeconds } };
    this.dispatchEvent(new Event("ratelimit"));
  }
}

/** WebSocket for all followed jobs: opened on first use, replaced before it expires, and opened again after a failure. */
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

  /** @param {LiveOptions} options */
  constructor(options) {
    this.#options = options;
    globalThis.addEventListener?.("online", () => this.#isWanted && (this.#socket ? this.#ping() : this.#connect()));
    // A ping detects a connection that was lost while the machine slept or was offline.
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
    if (!this.#socket) this.#after("patience", PATIENCE, () => this.#options.onMode("polling", "SLOW_HANDSHAKE"));
    let ticket = "";
    try {
      if (this.#useTicket) ticket = `?ticket=${encodeURIComponent(await this.#options.askForTicket())}`;
    } catch {
      this.#broke(null, "TICKET_REFUSED");
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
      if (socket === this.#socket || !isOpen) this.#broke(socket, isOpen ? "CONNECTION_LOST" : "HANDSHAKE_REFUSED");
    };
  }

  /** @param {WebSocket} socket */
  #adopt(socket) {
    const former = this.#socket;
    this.#socket = socket;
    this.#clear();
    this.#after("ping", PING_EVERY, () => this.#ping());
    this.#after("renew", RENEW_AFTER + this.#options.random() * RENEW_SPREAD, () => this.#connect());
    this.#after("snapshot", SNAPSHOT_WITHIN, this.#options.onSnapshot);
    this.#subscribed.clear();
    this.#options.onOpen();
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
      const [reason, wait] = isLimited ? [/** @type {const} */ ("RATE_LIMITED"), (1 + this.#options.random()) * RATE_WINDOW] : [/** @type {const} */ ("SUBSCRIPTION_REFUSED")];
      this.#broke(this.#socket, reason, wait);
      return;
    }
    this.#failures = 0;
    if (message?.type === "job.updated") this.#options.onUpdate(message.data, message.version);
    else if (message?.type === "pong") clearTimeout(this.#timers.pong);
  }

  #ping() {
    if (!this.#socket) return;
    this.#say({ action: "ping" });
    this.#after("pong", PONG_WITHIN, () => this.#broke(this.#socket, "CONNECTION_LOST"));
    this.#after("ping", PING_EVERY, () => this.#ping());
  }

  /** @param {WebSocket | null} socket @param {PollingReason} reason @param {number} [wait] Milliseconds; by default the backoff after a failure. */
  #broke(socket, reason, wait) {
    if (socket) socket.onclose = null;
    socket?.close();
    if (socket === this.#socket) {
      this.#socket = null;
      this.#clear();
    }
    clearTimeout(this.#timers.patience);
    if (!this.#isWanted) return;
    if (!this.#socket) this.#options.onMode("polling", reason);
    this.#after("again", wait ?? backoff(this.#failures++, this.#options.random), () => this.#connect());
  }

  /** Subscribe, once per socket: the API refuses a second subscription to all jobs within seconds. @param {string | null} jobId */
  #request(jobId) {
    if (this.#subscribed.has(jobId)) return;
    this.#subscribed.add(jobId);
    this.#say({ action: "subscribe", ...(jobId && { jobId }) });
  }

  /** @param {object} message */
  #say(message) {
    this.#socket?.send(JSON.stringify(message));
  }

  /** @param {string} name @param {number} milliseconds @param {() => void} act */
  #after(name, milliseconds, act) {
    clearTimeout(this.#timers[name]);
    this.#timers[name] = setTimeout(act, milliseconds);
  }

  #clear() {
    for (const timer of Object.values(this.#timers)) clearTimeout(timer);
  }
}

/** Return milliseconds with full jitter, below a limit that doubles with each failure. @param {number} failures @param {() => number} random */
function backoff(failures, random) {
  return random() * Math.min(LONGEST_PAUSE, SECOND * 2 ** (failures + 1));
}

/** Record whether a job is unfinished, so that it is still polled when it is no longer among the newest. @param {Follow} follow @param {VideoJob} job */
function note(follow, job) {
  if (ENDED.has(job.status)) follow.unfinished.delete(job.jobId);
  else follow.unfinished.add(job.jobId);
}

/** @param {string} url @returns {Date | null} */
export function expiryOf(url) {
  const query = new URL(url, "https://relative.invalid").searchParams;
  const signed = Date.parse((query.get("X-Amz-Date") ?? "").replace(/^(....)(..)(..T..)(..)/, "$1-$2-$3:$4:"));
  const seconds = Number(query.get("X-Amz-Expires"));
  return signed && seconds ? new Date(signed + seconds * SECOND) : null;
}

/** `crypto.randomUUID` exists only on pages with HTTPS or on localhost. */
export function randomId() {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** Report an error of a callback to the page as an uncaught error. @param {unknown} error */
function report(error) {
  queueMicrotask(() => {
    throw error;
  });
}

/** @param {Headers} headers */
function readRetryAfter(headers) {
  const seconds = Number.parseInt(headers.get("Retry-After") ?? "", 10);
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

/** @param {number} milliseconds @param {AbortSignal} [over] @param {(end: () => void) => void} [begin] Gets a function that ends the pause. @returns {Promise<void>} */
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
