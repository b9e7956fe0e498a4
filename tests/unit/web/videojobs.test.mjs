/** The JavaScript client: versions, the live connection, polling as a fallback, and calls. Tests control the time. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { VideoJobs } from "../../../web/videojobs.js";
import { api, client, errors, follow, jobs, live, sockets, STATUS, time } from "./client.mjs";
import { aJob, JOB_ID, settle } from "./fakes.mjs";

const LIST = "GET /api/videos?limit=50";
const MINUTE = 60_000;

const versions = () => jobs.map(({ version }) => version);

// ---- versions

test("a message with an older or equal version is dropped", async () => {
  const { socket } = await live();
  for (const version of [1, 3, 2, 3, 4]) socket.update({ version });
  assert.deepEqual(versions(), [1, 3, 4]);
});

test("a response that is older than a message is dropped", async () => {
  let arrive;
  api.respond(STATUS, { data: aJob({ version: 2 }), until: new Promise((resolve) => (arrive = resolve)) });
  const videos = client();
  follow(videos);
  await time.pass(3000); // the handshake takes too long, so the client polls
  sockets.created[0].open();
  sockets.created[0].update({ version: 3 });
  arrive();
  await settle();
  assert.deepEqual(versions(), [3]);
});

test("a polled job of the same version is delivered because its URLs are new", async () => {
  api.respond(STATUS, { data: aJob({ version: 2, videoUrl: "one" }) }, { data: aJob({ version: 2, videoUrl: "two" }) });
  follow(client({ liveUrl: null }));
  await settle();
  await time.pass(3000);
  assert.deepEqual(jobs.map(({ videoUrl }) => videoUrl), ["one", "two"]);
});

test("the connection is closed when the followed job has ended", async () => {
  const { videos, socket } = await live();
  socket.update({ version: 2, status: "completed" });
  socket.update({ version: 3, status: "queued" });
  assert.deepEqual(versions(), [2]);
  assert.equal(socket.isClosed, true);
  assert.equal(videos.mode, "idle");
});

// ---- the connection

test("a subscription names one job by its ID, and all jobs without an ID", async () => {
  const { socket } = await live();
  assert.deepEqual(socket.sent, [{ action: "subscribe", jobId: JOB_ID }]);
  const videos = client();
  videos.followAll(() => {});
  sockets.created[1].open();
  assert.deepEqual(sockets.created[1].sent, [{ action: "subscribe" }]);
});

test("a second job is followed over the same connection", async () => {
  const { videos, socket } = await live();
  videos.follow("6".repeat(24), () => {});
  assert.equal(sockets.created.length, 1);
  assert.deepEqual(socket.sent.at(-1), { action: "subscribe", jobId: "6".repeat(24) });
});

test("a refused handshake is retried with a ticket", async () => {
  api.respond(STATUS, { data: aJob() });
  api.respond("POST /api/realtime/ticket", { status: 201, data: { ticket: "a/b", expiresAt: "" } });
  const videos = client();
  follow(videos);
  sockets.created[0].close();
  await time.pass(1000);
  assert.deepEqual(sockets.created.map(({ url }) => url), ["wss://live.test/dev", "wss://live.test/dev?ticket=a%2Fb"]);
  sockets.created[1].open();
  assert.equal(videos.mode, "live");
});

test("invalid messages are ignored", async () => {
  const { videos, socket } = await live();
  for (const text of ["", "{", "null", "[]", '{"type":"other"}']) socket.receive(text);
  socket.update({ version: 1 });
  assert.deepEqual(versions(), [1]);
  assert.equal(videos.mode, "live");
});

test("the client sends pings before an idle connection is closed", async () => {
  const { socket } = await live();
  for (let minute = 0; minute < 30; minute += 4) {
    await time.pass(4 * MINUTE);
    assert.deepEqual(socket.sent.at(-1), { action: "ping" });
    socket.receive({ type: "pong" });
    await time.pass(0);
  }
  assert.equal(sockets.created.length, 1);
});

test("a connection that does not respond to a ping is closed", async () => {
  api.respond(STATUS, { data: aJob() });
  const { videos, socket } = await live();
  await time.pass(4 * MINUTE);
  await time.pass(10_000);
  assert.equal(socket.isClosed, true);
  assert.equal(videos.mode, "polling");
});

test("the connection is replaced before two hours have passed, without a gap", async () => {
  const { videos, socket } = await live();
  for (let minute = 0; minute < 112; minute += 4) {
    await time.pass(4 * MINUTE);
    socket.receive({ type: "pong" });
  }
  const [, next] = sockets.created;
  assert.equal(socket.isClosed, false);
  next.open();
  assert.equal(socket.isClosed, true);
  assert.equal(videos.mode, "live");
  socket.update({ version: 5 });
  next.update({ version: 6 });
  assert.deepEqual(versions(), [6]);
});

// ---- polling as a fallback

test("the client polls while the connection is broken", async () => {
  api.respond(STATUS, { data: aJob({ version: 2 }), headers: { "Retry-After": "2" } });
  const { videos, socket } = await live();
  const modes = [];
  videos.addEventListener("mode", () => modes.push(videos.mode));
  socket.close();
  await settle();
  assert.equal(api.callsOf(STATUS).length, 1);
  await time.pass(1000); // half of the maximum of the first pause, which is 2 s
  sockets.created[1].open();
  assert.deepEqual(sockets.created[1].sent, [{ action: "subscribe", jobId: JOB_ID }]);
  await time.pass(MINUTE);
  assert.equal(api.callsOf(STATUS).length, 1);
  assert.deepEqual(modes, ["polling", "live"]);
});

test("the pauses between reconnections grow up to a limit", async () => {
  api.respond(STATUS, { data: aJob() });
  api.respond("POST /api/realtime/ticket", { status: 503, error: { code: "UNAVAILABLE", message: "" } });
  follow(client());
  const pauses = [];
  for (let attempt = 0; attempt < 9; attempt++) {
    const before = attempts();
    if (sockets.created.at(-1) && !sockets.created.at(-1).isClosed) sockets.created.at(-1).close();
    let waited = 0;
    while (attempts() === before) {
      await time.pass(500);
      waited += 0.5;
    }
    pauses.push(waited);
  }
  assert.deepEqual(pauses, [1, 2, 4, 8, 16, 30, 30, 30, 30]);

  function attempts() {
    return sockets.created.length + api.callsOf("POST /api/realtime/ticket").length;
  }
});

test("the client polls when the handshake takes too long", async () => {
  api.respond(STATUS, { data: aJob() });
  const videos = client();
  follow(videos);
  await time.pass(2999);
  assert.equal(api.calls.length, 0);
  await time.pass(1);
  assert.equal(videos.mode, "polling");
  assert.equal(api.callsOf(STATUS).length, 1);
});

test("the client polls a job whose subscription was refused", async () => {
  api.respond(STATUS, { status: 404, error: { code: "NOT_FOUND", message: "There is no such job." } });
  const { videos, socket } = await live();
  socket.receive({ type: "error", code: "NOT_FOUND", message: "There is no such job." });
  await settle();
  assert.deepEqual(errors.map(({ code }) => code), ["NOT_FOUND"]);
  assert.equal(videos.mode, "idle");
});

test("a rate limit ends the connection, and the next handshake is at least a minute later", async () => {
  api.respond(STATUS, { data: aJob({ version: 2 }), headers: { "Retry-After": "30" } });
  const { videos, socket } = await live();
  for (let message = 0; message < 20; message++) socket.receive({ type: "error", code: "RATE_LIMITED", message: "Wait." });
  await settle();
  assert.equal(socket.isClosed, true);
  assert.equal(videos.mode, "polling");
  assert.deepEqual(versions(), [2]);
  await time.pass(MINUTE);
  assert.equal(sockets.created.length, 1);
  await time.pass(MINUTE / 2);
  assert.equal(sockets.created.length, 2);
  sockets.created[1].open();
  assert.equal(videos.mode, "live");
});

test("a subscription is sent once per connection", async () => {
  const { videos, socket } = await live();
  follow(videos);
  videos.followAll(() => {});
  videos.followAll(() => {});
  assert.deepEqual(socket.sent, [{ action: "subscribe", jobId: JOB_ID }, { action: "subscribe" }]);
  await time.pass(108 * MINUTE); // the connection is replaced
  assert.deepEqual(sockets.created.at(-1).sent, []);
  sockets.created.at(-1).open();
  assert.deepEqual(sockets.created.at(-1).sent, [{ action: "subscribe" }]);
});

// ---- polling

test("an unchanged job is polled with its entity tag and not delivered again", async () => {
  api.respond(STATUS, { data: aJob(), headers: { ETag: 'W/"a"' } }, { status: 304 }, { data: aJob({ version: 2 }), headers: { ETag: 'W/"b"' } });
  follow(client({ liveUrl: null }));
  await settle();
  await time.pass(3000);
  await time.pass(3000);
  await time.pass(3000);
  assert.deepEqual(api.callsOf(STATUS).map(({ headers }) => headers["If-None-Match"]), [undefined, 'W/"a"', 'W/"a"', 'W/"b"']);
  assert.deepEqual(versions(), [1, 2, 2]);
});

test("Retry-After determines the next poll", async () => {
  api.respond(STATUS, { data: aJob(), headers: { "Retry-After": "7" } });
  follow(client({ liveUrl: null }));
  await settle();
  await time.pass(6999);
  assert.equal(api.calls.length, 1);
  await time.pass(1);
  assert.equal(api.calls.length, 2);
});

for (const [title, response, wait] of [
  ["polling pauses for Retry-After after a 429 response", { status: 429, error: {}, headers: { "Retry-After": "5" } }, 5000],
  ["a failed poll is repeated after a pause", { status: 500, error: {} }, 1000],
  ["a poll without a response is repeated after a pause", { status: 0 }, 1000],
]) {
  test(title, async () => {
    api.respond(STATUS, response, { data: aJob() });
    follow(client({ liveUrl: null }));
    await settle();
    await time.pass(wait - 1);
    assert.deepEqual(jobs, []);
    await time.pass(1);
    assert.deepEqual(versions(), [1]);
  });
}

test("the pauses between failures grow", async () => {
  api.respond(STATUS, { status: 500, error: {} });
  follow(client({ liveUrl: null }));
  await settle();
  const counts = [];
  for (let second = 0; second < 8; second++) {
    counts.push(api.calls.length);
    await time.pass(1000);
  }
  assert.deepEqual(counts, [1, 2, 2, 3, 3, 3, 3, 4]);
});

test("an expired session is reported once and ends the polling", async () => {
  api.respond(STATUS, { status: 401, error: { code: "TOKEN_EXPIRED", message: "Sign in again." } });
  const videos = client({ liveUrl: null });
  follow(videos);
  await settle();
  await time.pass(MINUTE);
  assert.deepEqual(errors.map(({ isSignedOut, message }) => [isSignedOut, message]), [[true, "Sign in again."]]);
  assert.equal(api.calls.length, 1);
});

test("polling all jobs covers the newest, and each older job that has not ended", async () => {
  const old = aJob({ jobId: "a".repeat(24) });
  api.respond("GET /api/videos?status=queued", { data: { items: [old], nextCursor: null } });
  api.respond(LIST, { data: { items: [aJob({ status: "completed" })], nextCursor: "c" } });
  api.respond(`GET /api/videos/${old.jobId}`, { data: { ...old, status: "failed", version: 9 } });
  const videos = client({ liveUrl: null });
  videos.followAll((job) => jobs.push(job));
  await videos.list({ status: "queued" });
  await settle();
  await time.pass(3000);
  assert.deepEqual(jobs.map(({ jobId, status }) => [jobId[0], status]).slice(-2), [["6", "completed"], ["a", "failed"]]);
  await time.pass(14_000); // no job is live any more, so the client polls less often
  assert.equal(api.callsOf(LIST).length, 2);
});

test("a stopped subscription receives nothing more, and the connection is closed", async () => {
  const { stop, socket } = await live();
  stop();
  socket.update({ version: 9 });
  await time.pass(130 * MINUTE);
  assert.deepEqual(jobs, []);
  assert.equal(socket.isClosed, true);
  assert.equal(sockets.created.length, 1);
});

// ---- calls

test("a request with an unknown outcome is repeated with the same idempotency key", async () => {
  api.respond("POST /api/videos/generate", { status: 0 }, { status: 503, error: {}, headers: { "Retry-After": "1" } }, { status: 201, data: { jobId: JOB_ID, status: "queued" } });
  const submitted = client().generate({ prompt: "A kite" });
  await settle();
  await time.pass(2000);
  await time.pass(2000);
  assert.deepEqual(await submitted, { jobId: JOB_ID, status: "queued" });
  const keys = new Set(api.calls.map(({ headers }) => headers["Idempotency-Key"]));
  assert.equal(api.calls.length, 3);
  assert.equal(keys.size, 1);
});

test("a 429 response is repeated after a request with an unknown outcome, and not otherwise", async () => {
  const limited = { status: 429, error: { code: "RATE_LIMITED", message: "" }, headers: { "Retry-After": "40" } };
  api.respond("POST /api/videos/generate", limited, { status: 0 }, limited, { status: 201, data: { jobId: JOB_ID, status: "queued" } });
  await assert.rejects(client().generate({ prompt: "A kite" }), { status: 429, retryAfter: 40 });
  const submitted = client().generate({ prompt: "A kite" });
  await settle();
  await time.pass(2000);
  await time.pass(40_000);
  assert.deepEqual(await submitted, { jobId: JOB_ID, status: "queued" });
  const [, ...keys] = api.calls.map(({ headers }) => headers["Idempotency-Key"]);
  assert.equal(keys.length, 3);
  assert.equal(new Set(keys).size, 1);
});

test("a response that asks for a long wait is left to the caller", async () => {
  api.respond("POST /api/videos/generate", { status: 503, error: { code: "UNAVAILABLE", message: "" }, headers: { "Retry-After": "60" } });
  await assert.rejects(client().generate({ prompt: "A kite" }), { status: 503, retryAfter: 60 });
  assert.equal(api.calls.length, 1);
});

test("two requests have different idempotency keys", async () => {
  api.respond("POST /api/videos/generate", { status: 201, data: { jobId: JOB_ID, status: "queued" } });
  await client().generate({ prompt: "A kite" });
  await client().generate({ prompt: "A kite" });
  const [one, other] = api.calls.map(({ headers }) => headers["Idempotency-Key"]);
  assert.notEqual(one, other);
});

test("a refused request is not repeated, and its error contains the details", async () => {
  const details = [{ field: "duration", message: "Must be a number from 1 to 60." }];
  api.respond("POST /api/videos/generate", { status: 400, error: { code: "VALIDATION_ERROR", message: "No.", details } });
  await assert.rejects(client().generate({ prompt: "A kite" }), { status: 400, code: "VALIDATION_ERROR", details, requestId: "r1" });
  assert.equal(api.calls.length, 1);
});

test("a response that is not in the format of the API has an error message", async () => {
  const fetch = async () => new Response("<h1>Bad gateway</h1>", { status: 502 });
  await assert.rejects(new VideoJobs({ fetch }).status(JOB_ID), { status: 502, message: /answered 502/ });
});

test("each method calls its route", async () => {
  const videos = client();
  for (const route of [`POST /api/videos/${JOB_ID}/cancel`, `POST /api/videos/${JOB_ID}/retry`, STATUS]) api.respond(route, { data: aJob() });
  api.respond(`DELETE /api/videos/${JOB_ID}`, { status: 204 });
  api.respond("GET /api/videos?status=failed&limit=5&cursor=a%2Bb", { data: { items: [], nextCursor: null } });
  await videos.cancel(JOB_ID);
  await videos.retry(JOB_ID);
  await videos.status(JOB_ID);
  assert.equal(await videos.remove(JOB_ID), undefined);
  assert.deepEqual(await videos.list({ status: "failed", batchId: null, limit: 5, cursor: "a+b" }), { items: [], nextCursor: null });
  api.respond("POST /api/videos/batch", { status: 201, data: { batchId: "b1", items: [{ jobId: JOB_ID, status: "queued" }] } });
  api.respond("GET /api/batches/b1", { data: { batchId: "b1", total: 1 } });
  api.respond("POST /api/realtime/ticket", { status: 201, data: { ticket: "t", expiresAt: "" } });
  api.respond("DELETE /api/users/me/videos", { status: 202, data: { status: "erasing" } }, { status: 204 });
  assert.equal((await videos.generateBatch({ items: [{ prompt: "A kite" }] })).batchId, "b1");
  assert.equal((await videos.batch("b1")).total, 1);
  assert.equal((await videos.ticket()).ticket, "t");
  assert.deepEqual([await videos.removeAll(), await videos.removeAll()], [false, true]);
  assert.equal(videos.contentUrl(JOB_ID, { download: true }), `/api/videos/${JOB_ID}/content?download`);
});
