/** Set-up of each test of the client: a clock, an API and WebSockets that the test controls. */

import { afterEach, beforeEach } from "node:test";

import { VideoJobs } from "../../../web/videojobs.js";
import { FakeApi, fakeSockets, fakeTime, JOB_ID, settle } from "./fakes.mjs";

export const STATUS = `GET /api/videos/${JOB_ID}`;

export let api, sockets, time, jobs, errors;

beforeEach(() => {
  time = fakeTime();
  api = new FakeApi();
  sockets = fakeSockets();
  jobs = [];
  errors = [];
});
afterEach(() => time.restore());

export function client(options = {}) {
  const { fetch } = api;
  return new VideoJobs({ liveUrl: "wss://live.test/dev", fetch, WebSocket: sockets.FakeSocket, random: () => 0.5, ...options });
}

export function follow(videos) {
  return videos.follow(JOB_ID, (job) => jobs.push(job), (error) => errors.push(error));
}

export function followAll(videos, list = jobs) {
  return videos.followAll((job) => list.push(job), (error) => errors.push(error));
}

/** Follow with a client whose connection is open. */
export async function live(begin = follow) {
  const videos = client();
  const stop = begin(videos);
  await settle();
  sockets.created[0].open();
  return { videos, stop, socket: sockets.created[0] };
}
