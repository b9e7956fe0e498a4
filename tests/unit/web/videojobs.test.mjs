/** The client: what is newer, what is asked when, and how it falls back and returns. Time is the test's own. */

import assert from "node:assert/strict";
import { afterEach, beforeEach, test } from "node:test";

import { VideoJobs } from "../../../web/videojobs.js";
import { aJob, FakeApi, fakeSockets, fakeTime, JOB_ID, settle } from "./fakes.mjs";

const STATUS = `GET /api/videos/${JOB_ID}`;
const LIST = "GET /api/videos?limit=50";
const MINUTE = 60_000;

let api, sockets, time, heard, errors;

beforeEach(() => {
  time = fakeTime();
  api = new FakeApi();
  sockets = fakeSockets();
  heard = [];
  errors = [];
});
afterEach(() => time.restore());

function client({ liveUrl = "wss://live.test/dev" } = {}) {
  const { fetch } = api;
  return new VideoJobs({ liveUrl, fetch, WebSocket: sockets.FakeSocket, random: () => 0.5 });
}

function follow(videos) {
  return videos.follow(JOB_ID, (job) => heard.push(job), (error) => errors.push(error));
}

async function live() {
  const videos = client();
  const stop = follow(videos);
  await settle();
  sockets.made[0].open();
  return { videos, stop, socket: sockets.made[0] };
}

const versions = () => heard.map(({ version }) => version);

// ---- versions

test("a message that was passed, or came before, is dropped", async () => {
  const { socket } = await live();
  for (const version of [1, 3, 2, 3, 4]) socket.update({ version });
  assert.deepEqual(versions(), [1, 3, 4]);
});

test("an answer that a message has overtaken is dropped", async () => {
  let arrive;
  api.answer(STATUS, { data: aJob({ version: 2 }), until: new Promise((resolve) => (arrive = resolve)) });
  const videos = client();
  follow(videos);
  await time.pass(3000); // the handshake takes too long: it asks
  sockets.made[0].open();
  sockets.made[0].update({ version: 3 });
  arrive();
  await settle();
  assert.deepEqual(versions(), [3]);
});

test("the same version asked for again is delivered: its URLs are fresh", async () => {
  api.answer(STATUS, { data: aJob({ version: 2, videoUrl: "one" }) }, { data: aJob({ version: 2, videoUrl: "two" }) });
  follow(client({ liveUrl: null }));
  await settle();
  await time.pass(3000);
  assert.deepEqual(heard.map(({ videoUrl }) => videoUrl), ["one", "two"]);
});

test("a job is followed until it has ended, and the connection with it", async () => {
  const { videos, socket } = await live();
  socket.update({ version: 2, status: "completed" });
  socket.update({ version: 3, status: "queued" });
  assert.deepEqual(versions(), [2]);
  assert.equal(socket.isClosed, true);
  assert.equal(videos.mode, "idle");
});

// ---- the connection

test("one job is subscribed to by its id, all by none", async () => {
  const { socket } = await live();
  assert.deepEqual(socket.sent, [{ action: "subscribe", jobId: JOB_ID }]);
  const videos = client();
  videos.followAll(() => {});
  sockets.made[1].open();
  assert.deepEqual(sockets.made[1].sent, [{ action: "subscribe" }]);
});

test("who follows more hears of it over the same connection", async () => {
  const { videos, socket } = await live();
  videos.follow("6".repeat(24), () => {});
  assert.equal(sockets.made.length, 1);
  assert.deepEqual(socket.sent.at(-1), { action: "subscribe", jobId: "6".repeat(24) });
});

test("a handshake that is refused is tried again with a ticket", async () => {
  api.answer(STATUS, { data: aJob() });
  api.answer("POST /api/realtime/ticket", { status: 201, data: { ticket: "a/b", expiresAt: "" } });
  const videos = client();
  follow(videos);
  sockets.made[0].close();
  await time.pass(1000);
  assert.deepEqual(sockets.made.map(({ url }) => url), ["wss://live.test/dev", "wss://live.test/dev?ticket=a%2Fb"]);
  sockets.made[1].open();
  assert.equal(videos.mode, "live");
});

test("nonsense is passed over", async () => {
  const { videos, socket } = await live();
  for (const text of ["", "{", "null", "[]", '{"type":"other"}']) socket.say(text);
  socket.update({ version: 1 });
  assert.deepEqual(versions(), [1]);
  assert.equal(videos.mode, "live");
});

test("silence is broken before the connection is cut for it", async () => {
  const { socket } = await live();
  for (let minute = 0; minute < 30; minute += 4) {
    await time.pass(4 * MINUTE);
    assert.deepEqual(socket.sent.at(-1), { action: "ping" });
    socket.say({ type: "pong" });
    await time.pass(0);
  }
  assert.equal(sockets.made.length, 1);
});

test("a connection that does not answer is given up", async () => {
  api.answer(STATUS, { data: aJob() });
  const { videos, socket } = await live();
  await time.pass(4 * MINUTE);
  await time.pass(10_000);
  assert.equal(socket.isClosed, true);
  assert.equal(videos.mode, "polling");
});

test("before two hours are over another connection takes its place, without a gap", async () => {
  const { videos, socket } = await live();
  for (let minute = 0; minute < 112; minute += 4) {
    await time.pass(4 * MINUTE);
    socket.say({ type: "pong" });
  }
  const [, next] = sockets.made;
  assert.equal(socket.isClosed, false);
  next.open();
  assert.equal(socket.isClosed, true);
  assert.equal(videos.mode, "live");
  socket.update({ version: 5 });
  next.update({ version: 6 });
  assert.deepEqual(versions(), [6]);
});

// ---- falling back, and returning

test("when the connection breaks it asks, and when it is back it stops asking", async () => {
  api.answer(STATUS, { data: aJob({ version: 2 }), headers: { "Retry-After": "2" } });
  const { videos, socket } = await live();
  const modes = [];
  videos.addEventListener("mode", () => modes.push(videos.mode));
  socket.close();
  await settle();
  assert.equal(api.asked(STATUS).length, 1);
  await time.pass(1000); // half of the first pause's bound, 2 s
  sockets.made[1].open();
  assert.deepEqual(sockets.made[1].sent, [{ action: "subscribe", jobId: JOB_ID }]);
  await time.pass(MINUTE);
  assert.equal(api.asked(STATUS).length, 1);
  assert.deepEqual(modes, ["polling", "live"]);
});

test("it tries to return ever more rarely, once a minute at the least", async () => {
  api.answer(STATUS, { data: aJob() });
  api.answer("POST /api/realtime/ticket", { status: 503, error: { code: "UNAVAILABLE", message: "" } });
  follow(client());
  const pauses = [];
  for (let attempt = 0; attempt < 9; attempt++) {
    const before = attempts();
    if (sockets.made.at(-1) && !sockets.made.at(-1).isClosed) sockets.made.at(-1).close();
    let waited = 0;
    while (attempts() === before) {
      await time.pass(500);
      waited += 0.5;
    }
    pauses.push(waited);
  }
  assert.deepEqual(pauses, [1, 2, 4, 8, 16, 30, 30, 30, 30]);

  function attempts() {
    return sockets.made.length + api.asked("POST /api/realtime/ticket").length;
  }
});

test("a handshake that takes long is not waited for", async () => {
  api.answer(STATUS, { data: aJob() });
  const videos = client();
  follow(videos);
  await time.pass(2999);
  assert.equal(api.calls.length, 0);
  await time.pass(1);
  assert.equal(videos.mode, "polling");
  assert.equal(api.asked(STATUS).length, 1);
});

test("a subscription that is refused is cleared up by asking", async () => {
  api.answer(STATUS, { status: 404, error: { code: "NOT_FOUND", message: "There is no such job." } });
  const { videos, socket } = await live();
  socket.say({ type: "error", code: "NOT_FOUND", message: "There is no such job." });
  await settle();
  assert.deepEqual(errors.map(({ code }) => code), ["NOT_FOUND"]);
  assert.equal(videos.mode, "idle");
});

// ---- asking

test("what has not changed is asked for by its tag, and not told again", async () => {
  api.answer(STATUS, { data: aJob(), headers: { ETag: 'W/"a"' } }, { status: 304 }, { data: aJob({ version: 2 }), headers: { ETag: 'W/"b"' } });
  follow(client({ liveUrl: null }));
  await settle();
  await time.pass(3000);
  await time.pass(3000);
  await time.pass(3000);
  assert.deepEqual(api.asked(STATUS).map(({ headers }) => headers["If-None-Match"]), [undefined, 'W/"a"', 'W/"a"', 'W/"b"']);
  assert.deepEqual(versions(), [1, 2, 2]);
});

test("the server says when to ask again", async () => {
  api.answer(STATUS, { data: aJob(), headers: { "Retry-After": "7" } });
  follow(client({ liveUrl: null }));
  await settle();
  await time.pass(6999);
  assert.equal(api.calls.length, 1);
  await time.pass(1);
  assert.equal(api.calls.length, 2);
});

for (const [what, answer, wait] of [
  ["a server that is overwhelmed is left alone as long as it says", { status: 429, error: {}, headers: { "Retry-After": "5" } }, 5000],
  ["a failure is asked again after a pause", { status: 500, error: {} }, 1000],
  ["no answer at all is asked again after a pause", { status: 0 }, 1000],
]) {
  test(what, async () => {
    api.answer(STATUS, answer, { data: aJob() });
    follow(client({ liveUrl: null }));
    await settle();
    await time.pass(wait - 1);
    assert.deepEqual(heard, []);
    await time.pass(1);
    assert.deepEqual(versions(), [1]);
  });
}

test("the pauses between failures grow", async () => {
  api.answer(STATUS, { status: 500, error: {} });
  follow(client({ liveUrl: null }));
  await settle();
  const asked = [];
  for (let second = 0; second < 8; second++) {
    asked.push(api.calls.length);
    await time.pass(1000);
  }
  assert.deepEqual(asked, [1, 2, 2, 3, 3, 3, 3, 4]);
});

test("who is signed out is told so, once, and nothing is asked any more", async () => {
  api.answer(STATUS, { status: 401, error: { code: "TOKEN_EXPIRED", message: "Sign in again." } });
  const videos = client({ liveUrl: null });
  follow(videos);
  await settle();
  await time.pass(MINUTE);
  assert.deepEqual(errors.map(({ isSignedOut, message }) => [isSignedOut, message]), [[true, "Sign in again."]]);
  assert.equal(api.calls.length, 1);
});

test("of all jobs the newest are asked for, and each older one that has not ended", async () => {
  const old = aJob({ jobId: "a".repeat(24) });
  api.answer("GET /api/videos?status=queued", { data: { items: [old], nextCursor: null } });
  api.answer(LIST, { data: { items: [aJob({ status: "completed" })], nextCursor: "c" } });
  api.answer(`GET /api/videos/${old.jobId}`, { data: { ...old, status: "failed", version: 9 } });
  const videos = client({ liveUrl: null });
  videos.followAll((job) => heard.push(job));
  await videos.list({ status: "queued" });
  await settle();
  await time.pass(3000);
  assert.deepEqual(heard.map(({ jobId, status }) => [jobId[0], status]).slice(-2), [["6", "completed"], ["a", "failed"]]);
  await time.pass(14_000); // nothing is live any more: it asks seldom
  assert.equal(api.asked(LIST).length, 2);
});

test("who stops hears nothing more, and no connection is kept", async () => {
  const { stop, socket } = await live();
  stop();
  socket.update({ version: 9 });
  await time.pass(130 * MINUTE);
  assert.deepEqual(heard, []);
  assert.equal(socket.isClosed, true);
  assert.equal(sockets.made.length, 1);
});

// ---- calls

test("a request that may have landed is repeated under its key", async () => {
  api.answer("POST /api/videos/generate", { status: 0 }, { status: 503, error: {}, headers: { "Retry-After": "1" } }, { status: 201, data: { jobId: JOB_ID, status: "queued" } });
  const made = client().generate({ prompt: "A kite" });
  await settle();
  await time.pass(2000);
  await time.pass(2000);
  assert.deepEqual(await made, { jobId: JOB_ID, status: "queued" });
  const keys = new Set(api.calls.map(({ headers }) => headers["Idempotency-Key"]));
  assert.equal(api.calls.length, 3);
  assert.equal(keys.size, 1);
});

test("two requests are two", async () => {
  api.answer("POST /api/videos/generate", { status: 201, data: { jobId: JOB_ID, status: "queued" } });
  await client().generate({ prompt: "A kite" });
  await client().generate({ prompt: "A kite" });
  const [one, other] = api.calls.map(({ headers }) => headers["Idempotency-Key"]);
  assert.notEqual(one, other);
});

test("a request that is refused is not repeated, and says what to change", async () => {
  const details = [{ field: "duration", message: "Must be a number from 1 to 60." }];
  api.answer("POST /api/videos/generate", { status: 400, error: { code: "VALIDATION_ERROR", message: "No.", details } });
  await assert.rejects(client().generate({ prompt: "A kite" }), { status: 400, code: "VALIDATION_ERROR", details, requestId: "r1" });
  assert.equal(api.calls.length, 1);
});

test("an answer that is none of the API's own still has words", async () => {
  const fetch = async () => new Response("<h1>Bad gateway</h1>", { status: 502 });
  await assert.rejects(new VideoJobs({ fetch }).status(JOB_ID), { status: 502, message: /answered 502/ });
});

test("each call has its route", async () => {
  const videos = client();
  for (const route of [`POST /api/videos/${JOB_ID}/cancel`, `POST /api/videos/${JOB_ID}/retry`, STATUS]) api.answer(route, { data: aJob() });
  api.answer(`DELETE /api/videos/${JOB_ID}`, { status: 204 });
  api.answer("GET /api/videos?status=failed&limit=5&cursor=a%2Bb", { data: { items: [], nextCursor: null } });
  await videos.cancel(JOB_ID);
  await videos.retry(JOB_ID);
  await videos.status(JOB_ID);
  assert.equal(await videos.remove(JOB_ID), undefined);
  assert.deepEqual(await videos.list({ status: "failed", batchId: null, limit: 5, cursor: "a+b" }), { items: [], nextCursor: null });
  assert.equal(videos.contentUrl(JOB_ID, { download: true }), `/api/videos/${JOB_ID}/content?download`);
});
