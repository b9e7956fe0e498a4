/** The JavaScript client: errors of its own, responses that are not of the API, expired URLs, sleep, and what it exposes. */

import assert from "node:assert/strict";
import { afterEach, test } from "node:test";

import { expiryOf } from "../../../web/videojobs.js";
import { api, client, errors, follow, followAll, jobs, live, sockets, STATUS, time } from "./client.mjs";
import { aJob, JOB_ID, settle } from "./fakes.mjs";

const GENERATE = "POST /api/videos/generate";
const ACCEPTED = { status: 201, data: { jobId: JOB_ID, status: "queued" } };
const OTHER = "https://api.test";
const DAY = 24 * 3_600_000;

afterEach(() => {
  for (const name of ["location", "document", "addEventListener"]) delete globalThis[name];
});

/** Replace a global of the browser for the current test. */
function define(name, value) {
  Object.defineProperty(globalThis, name, { value, configurable: true, writable: true });
}

/** Return a URL as S3 presigns it, valid from the year 2000 for some seconds. */
function presigned(seconds) {
  return `https://s3.test/video.mp4?X-Amz-Date=20000101T000000Z&X-Amz-Expires=${seconds}`;
}

const validFor = (seconds) => presigned(Math.round((Date.now() - Date.UTC(2000, 0, 1)) / 1000) + seconds);

// ---- responses that are not of the API

for (const [title, response] of [
  ["a page of HTML", { text: "<h1>Sign in to the Wi-Fi</h1>" }],
  ["half a body", { text: '{"success":true,"data":{"jobId":"' }],
  ["null", { text: "null" }],
  ["an empty body", { text: "" }],
  ["a gateway's page", { status: 502, text: "<h1>Bad gateway</h1>" }],
]) {
  test(`polling continues after ${title}`, async () => {
    api.respond(STATUS, response, { data: aJob() });
    follow(client({ liveUrl: null }));
    await settle();
    await time.pass(1000);
    assert.equal(jobs.length, 1);
    assert.deepEqual(errors, []);
  });

  test(`a request is repeated with the same key after ${title}`, async () => {
    api.respond(GENERATE, response, ACCEPTED);
    const submitted = client().generate({ prompt: "A kite" });
    await settle();
    await time.pass(2000);
    assert.equal((await submitted).jobId, JOB_ID);
    assert.equal(new Set(api.calls.map(({ headers }) => headers["Idempotency-Key"])).size, 1);
  });

  test(`a call that gets ${title} fails with BAD_RESPONSE`, async () => {
    api.respond(STATUS, response);
    await assert.rejects(client().status(JOB_ID), { code: "BAD_RESPONSE", status: response.status ?? 200, isTemporary: true });
  });
}

test("a page of HTML with status 404 is not temporary", async () => {
  api.respond(STATUS, { status: 404, text: "<h1>Not found</h1>" });
  await assert.rejects(client().status(JOB_ID), { code: "BAD_RESPONSE", isTemporary: false });
});

// ---- no response

test("a browser without a network reports OFFLINE", async (context) => {
  const navigator = Object.getOwnPropertyDescriptor(globalThis, "navigator");
  context.after(() => (navigator ? Object.defineProperty(globalThis, "navigator", navigator) : delete globalThis.navigator));
  define("navigator", { onLine: false });
  api.respond(STATUS, { status: 0 });
  await assert.rejects(client().status(JOB_ID), { code: "OFFLINE", status: 0, isTemporary: true });
});

test("a call without a response in time fails with TIMEOUT", async () => {
  api.respond(STATUS, { status: 0, failure: "TimeoutError" });
  await assert.rejects(client().status(JOB_ID), { code: "TIMEOUT", isTemporary: true });
});

test("an origin that is not allowed is reported as ORIGIN_BLOCKED and not repeated", async () => {
  define("location", { origin: "https://page.test" });
  api.respond(`POST ${OTHER}/api/videos/generate`, { status: 0 });
  api.respond(`GET ${OTHER}/api/videos`, { status: 401, text: "" });
  await assert.rejects(client({ apiUrl: OTHER }).generate({ prompt: "A kite" }), {
    code: "ORIGIN_BLOCKED",
    message: /https:\/\/page\.test/,
    isTemporary: false,
  });
  assert.deepEqual(api.calls.map(({ mode }) => mode), ["cors", "no-cors"]);
});

test("a lost network is reported as UNREACHABLE", async () => {
  define("location", { origin: "https://page.test" });
  api.respond(`GET ${OTHER}/api/videos/${JOB_ID}`, { status: 0 });
  api.respond(`GET ${OTHER}/api/videos`, { status: 0 });
  await assert.rejects(client({ apiUrl: OTHER }).status(JOB_ID), { code: "UNREACHABLE", isTemporary: true });
});

test("an origin whose calls have succeeded is not reported as blocked", async () => {
  define("location", { origin: "https://page.test" });
  api.respond(`GET ${OTHER}/api/videos/${JOB_ID}`, { data: aJob() }, { status: 0 });
  const videos = client({ apiUrl: OTHER });
  await videos.status(JOB_ID);
  await assert.rejects(videos.status(JOB_ID), { code: "UNREACHABLE" });
  assert.equal(api.calls.length, 2);
});

test("an API at the origin of the page is not asked whether the origin is allowed", async () => {
  define("location", { origin: "https://page.test" });
  api.respond(STATUS, { status: 0 });
  await assert.rejects(client().status(JOB_ID), { code: "UNREACHABLE" });
  assert.equal(api.calls.length, 1);
});

// ---- plain http

test("requests have keys where crypto.randomUUID does not exist", async (context) => {
  const { crypto } = globalThis;
  context.after(() => define("crypto", crypto));
  define("crypto", { getRandomValues: (bytes) => crypto.getRandomValues(bytes) });
  api.respond(GENERATE, ACCEPTED);
  await client().generate({ prompt: "A kite" });
  const [{ headers }] = api.calls;
  assert.match(headers["Idempotency-Key"], /^[0-9a-f]{32}$/);
  assert.match(headers.traceparent, /^00-[0-9a-f]{32}-[0-9a-f]{16}-01$/);
});

// ---- expired URLs

test("a job with valid URLs is renewed without a call", async () => {
  const job = aJob({ videoUrl: validFor(600), posterUrl: validFor(600), previewUrl: null });
  assert.equal(await client().renew(job), job);
  assert.equal(api.calls.length, 0);
});

for (const [title, urls] of [
  ["an expired URL", { videoUrl: presigned(900) }],
  ["a URL that expires within a minute", { videoUrl: validFor(30) }],
  ["one expired URL of several", { videoUrl: validFor(600), posterUrl: presigned(900) }],
  ["a URL of unknown expiry", { videoUrl: "https://provider.test/video.mp4" }],
]) {
  test(`a job with ${title} is requested again`, async () => {
    api.respond(STATUS, { data: aJob({ videoUrl: "new" }) });
    assert.equal((await client().renew(aJob(urls))).videoUrl, "new");
  });
}

test("the expiry of a presigned URL can be read", () => {
  assert.deepEqual(expiryOf(presigned(900)), new Date("2000-01-01T00:15:00Z"));
  assert.equal(expiryOf("https://provider.test/video.mp4"), null);
  assert.equal(expiryOf("/api/videos/1/content"), null);
});

// ---- sleep

test("a tab that slept for a day receives new URLs of the same versions, and jobs that ended meanwhile", async () => {
  const dispatch = new EventTarget();
  define("document", Object.assign(dispatch, { hidden: false }));
  const forgotten = aJob({ jobId: "a".repeat(24) });
  const { videos, socket } = await live(followAll);
  socket.update({ version: 5, status: "completed", videoUrl: "old" });
  socket.update(forgotten);
  api.respond("GET /api/videos?limit=50", { data: { items: [], nextCursor: null } });
  api.respond(`GET /api/videos/${forgotten.jobId}`, { data: { ...forgotten, version: 7, status: "completed" } });
  await time.sleep(DAY);
  dispatch.dispatchEvent(new Event("visibilitychange"));
  const next = sockets.created.at(-1);
  assert.notEqual(next, socket);
  next.open();
  next.update({ version: 5, status: "completed", videoUrl: "new" });
  await time.pass(20_000);
  assert.equal(videos.mode, "live");
  assert.equal(jobs.filter(({ jobId }) => jobId === JOB_ID).at(-1).videoUrl, "new");
  assert.equal(jobs.filter(({ jobId }) => jobId === forgotten.jobId).at(-1).status, "completed");
});

test("a tab whose session ended while it slept reports it once", async () => {
  const { videos, socket } = await live(followAll);
  api.respond("GET /api/videos?limit=50", { status: 401, error: { code: "TOKEN_EXPIRED", message: "Sign in again." } });
  await time.sleep(DAY);
  socket.close();
  await time.pass(60_000);
  assert.deepEqual(errors.map(({ code }) => code), ["TOKEN_EXPIRED"]);
  assert.equal(videos.mode, "idle");
});

test("a new connection repeats each job once", async () => {
  const { socket } = await live(followAll);
  socket.update({ version: 5 });
  await time.pass(108 * 60_000);
  const next = sockets.created.at(-1);
  next.open();
  for (const version of [5, 5, 4]) next.update({ version });
  assert.deepEqual(jobs.map(({ version }) => version), [5, 5]);
});

// ---- followers

test("an error of a follower is reported and ends neither polling nor other followers", async (context) => {
  const thrown = [];
  const { queueMicrotask } = globalThis;
  context.after(() => (globalThis.queueMicrotask = queueMicrotask));
  globalThis.queueMicrotask = (act) => {
    try {
      act();
    } catch (error) {
      thrown.push(error.message);
    }
  };
  api.respond(STATUS, { data: aJob() });
  const videos = client({ liveUrl: null });
  videos.follow(JOB_ID, () => {
    throw new Error("of the page");
  });
  follow(videos);
  await settle();
  await time.pass(3000);
  assert.ok(jobs.length >= 2);
  assert.ok(thrown.length >= 2);
});

test("a follower that is added later receives the jobs that the connection has already sent", async () => {
  const { videos, socket } = await live(followAll);
  socket.update({ version: 3, status: "completed" });
  const [all, single] = [[], []];
  followAll(videos, all);
  videos.follow(JOB_ID, (job) => single.push(job));
  await settle();
  assert.deepEqual([all, single].map((list) => list.map(({ version }) => version)), [[3], [3]]);
  assert.equal(jobs.length, 1);
});

test("a deleted job is not repeated to a new follower", async () => {
  const { videos, socket } = await live(followAll);
  socket.update({ version: 3, status: "completed" });
  api.respond(`DELETE /api/videos/${JOB_ID}`, { status: 204 });
  await videos.remove(JOB_ID);
  const all = [];
  followAll(videos, all);
  await settle();
  assert.deepEqual(all, []);
});

// ---- what the client exposes

test("the rate limit of the last response is exposed", async () => {
  const headers = { RateLimit: '"generate";r=12;t=40', "RateLimit-Policy": '"generate";q=30;w=60' };
  api.respond(GENERATE, { ...ACCEPTED, headers });
  api.respond(STATUS, { status: 429, error: { code: "RATE_LIMITED", message: "" } });
  const videos = client();
  let events = 0;
  videos.addEventListener("ratelimit", () => events++);
  assert.deepEqual(videos.rateLimits, { generate: null });
  await videos.generate({ prompt: "A kite" });
  await assert.rejects(videos.status(JOB_ID));
  assert.deepEqual(videos.rateLimits, { generate: { limit: 30, remaining: 12, resetSeconds: 40, windowSeconds: 60 } });
  assert.equal(events, 1);
});

for (const [reason, cause] of [
  ["SLOW_HANDSHAKE", () => time.pass(3000)],
  ["HANDSHAKE_REFUSED", () => sockets.created[0].close()],
  [
    "TICKET_REFUSED",
    async () => {
      sockets.created[0].close();
      await time.pass(1000);
    },
  ],
  [
    "CONNECTION_LOST",
    () => {
      sockets.created[0].open();
      sockets.created[0].close();
    },
  ],
  ["RATE_LIMITED", () => refuse("RATE_LIMITED")],
  ["SUBSCRIPTION_REFUSED", () => refuse("UNAVAILABLE")],
]) {
  test(`the reason for polling is ${reason}`, async () => {
    api.respond(STATUS, { data: aJob() });
    api.respond("POST /api/realtime/ticket", { status: 503, error: { code: "UNAVAILABLE", message: "" } });
    const videos = client();
    follow(videos);
    await settle();
    assert.equal(videos.pollingReason, null);
    await cause();
    await settle();
    assert.deepEqual([videos.mode, videos.pollingReason], ["polling", reason]);
    sockets.created.at(-1).onopen();
    assert.deepEqual([videos.mode, videos.pollingReason], ["live", null]);
  });
}

function refuse(code) {
  sockets.created[0].open();
  sockets.created[0].receive({ type: "error", code, message: "" });
}

test("the reason for polling without a URL is NO_LIVE_URL", () => {
  api.respond(STATUS, { data: aJob() });
  const videos = client({ liveUrl: null });
  const stop = follow(videos);
  assert.equal(videos.pollingReason, "NO_LIVE_URL");
  stop();
  assert.equal(videos.pollingReason, null);
});

test("a device that is online again pings the connection at once", async () => {
  const page = new EventTarget();
  define("addEventListener", page.addEventListener.bind(page));
  const { socket } = await live(followAll);
  socket.sent.length = 0;
  page.dispatchEvent(new Event("online"));
  assert.deepEqual(socket.sent, [{ action: "ping" }]);
});

test("a device that is online again polls at once", async () => {
  const page = new EventTarget();
  define("addEventListener", page.addEventListener.bind(page));
  api.respond(STATUS, new TypeError("Failed to fetch"), { data: aJob() });
  follow(client({ liveUrl: null }));
  await settle();
  assert.equal(jobs.length, 0);
  page.dispatchEvent(new Event("online"));
  await settle();
  assert.equal(jobs.length, 1);
});

test("the reason for polling is kept until the next handshake", async () => {
  api.respond(STATUS, { data: aJob() });
  api.respond("POST /api/realtime/ticket", { data: { ticket: "t", expiresAt: "" } });
  const videos = client({ random: () => 0.99 }); // the longest pauses
  follow(videos);
  const reasons = new Set();
  for (let second = 0; second < 60; second++) {
    for (const socket of sockets.created) if (socket.readyState !== 3) socket.close();
    await time.pass(1000);
    reasons.add(videos.pollingReason);
  }
  assert.deepEqual([...reasons], ["HANDSHAKE_REFUSED"]);
});
