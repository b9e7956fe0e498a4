/** The texts on cards, the remaining time, and the warning about letters that a sketch cannot draw. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { Countdown, describeMissingScripts, requestOf, sayFacts, sayIgnored, sayState, shorten } from "../../../web/words.js";
import { aJob } from "./fakes.mjs";

const SECOND = 1000;

test("the state of each job is a text for people", () => {
  const state = (changes, left = NaN) => sayState(aJob(changes), left);
  assert.equal(state({ status: "queued" }), "In line");
  assert.equal(state({ status: "queued", queuePosition: 1 }), "Next in line");
  for (const [place, ordinal] of [[2, "2nd"], [3, "3rd"], [12, "12th"], [21, "21st"]]) {
    assert.equal(state({ status: "queued", queuePosition: place }), `${ordinal} in line`);
  }
  assert.equal(state({}), "Making it");
  assert.equal(state({}, 89), "Making it · about 89 s left");
  assert.equal(state({}, 312), "Making it · about 5 min left");
  assert.equal(state({}, 0), "Almost there…");
  assert.equal(state({}, -15), "Taking longer than usual");
  assert.equal(state({ status: "completed" }), "");
  assert.equal(state({ status: "failed" }), "Failed");
  assert.equal(state({ status: "cancelled" }), "Cancelled");
});

test("the estimate of the API counts down", () => {
  const countdown = new Countdown();
  assert.equal(countdown.left(0), NaN);
  countdown.hear(aJob({ progress: null, estimatedSecondsLeft: 10 }), 0);
  assert.deepEqual([0, 4, 12].map((at) => countdown.left(at * SECOND)), [10, 6, -2]);
  countdown.hear(aJob({ progress: null, estimatedSecondsLeft: null }), 5 * SECOND);
  assert.equal(countdown.left(5 * SECOND), 5);
});

test("progress that was seen replaces the estimate", () => {
  const countdown = new Countdown();
  countdown.hear(aJob({ progress: 0.2, estimatedSecondsLeft: 4 }), 0);
  countdown.hear(aJob({ progress: 0.4, estimatedSecondsLeft: 1 }), 10 * SECOND);
  assert.equal(countdown.left(10 * SECOND), 30);
});

test("a job that starts again has a new countdown", () => {
  const countdown = new Countdown();
  countdown.hear(aJob({ progress: 0.2 }), 0);
  countdown.hear(aJob({ progress: 0.6 }), 10 * SECOND);
  countdown.hear(aJob({ status: "queued", progress: null }), 20 * SECOND);
  assert.equal(countdown.left(20 * SECOND), NaN);
  countdown.hear(aJob({ progress: 0, estimatedSecondsLeft: 8 }), 30 * SECOND);
  assert.equal(countdown.left(30 * SECOND), 8);
});

test("facts contain what is known", () => {
  const output = { width: 1280, height: 720, bytes: 3_440_000 };
  const job = aJob({ style: "calm", duration: 1.5, aspectRatio: "16:9", output });
  assert.equal(sayFacts(job, false), "Calm · 1.5 s · 16:9");
  assert.equal(sayFacts(job, true), "Calm · 1.5 s · 16:9 · 1280 × 720 pixels · 3.4 MB");
  assert.equal(sayFacts(aJob({ style: null, duration: null, aspectRatio: null, output: null }), true), "");
});

test("facts contain the options that are not the defaults, and in the view all of them", () => {
  const options = { style: "calm", resolution: "480p", sound: true, negativePrompt: "rain", seed: 0 };
  assert.equal(sayFacts(aJob(options), false), "Calm · 480p · Sound");
  assert.equal(sayFacts(aJob(options), true), "Calm · 480p · Sound · Without “\u2068rain\u2069” · Seed 0");
  const defaults = { style: "calm", resolution: "720p", sound: false, negativePrompt: null, seed: null };
  assert.equal(sayFacts(aJob(defaults), false), "Calm");
  assert.equal(sayFacts(aJob(defaults), true), "Calm · 720p");
});

test("fields that the provider ignores are named", () => {
  assert.equal(sayIgnored(aJob()), "");
  assert.equal(sayIgnored(aJob({ ignored: [] })), "");
  const ignored = ["negativePrompt", "sound", "camera"];
  assert.equal(sayIgnored(aJob({ ignored })), "This provider doesn’t support: what to avoid, sound, camera.");
});

test("a request contains only the options that are not the defaults", () => {
  const first = { prompt: "A kite", style: "calm", duration: 8, aspectRatio: "16:9" };
  const job = { resolution: "720p", sound: false, negativePrompt: null, seed: null };
  assert.deepEqual(requestOf({ ...aJob(), ...first, ...job }), first);
  const empty = { duration: "8", resolution: "", sound: "", negativePrompt: " ", seed: "" };
  assert.deepEqual(requestOf({ ...first, ...empty, jobId: "1" }), first);
  const options = { resolution: "1080p", sound: true, negativePrompt: "rain", seed: 0 };
  assert.deepEqual(requestOf({ ...first, ...options }), { ...first, ...options });
  assert.deepEqual(requestOf({ ...first, ...options, sound: "true", seed: "0" }), { ...first, ...options });
});

test("a label contains at most 80 characters of a prompt", () => {
  assert.equal(shorten("🦊".repeat(80)), "🦊".repeat(80));
  assert.equal(shorten("🦊".repeat(81)), `${"🦊".repeat(79)}…`);
  assert.equal(shorten(null), "Untitled");
});

test("text in the scripts of the typefaces, digits, signs and emoji give no warning", () => {
  for (const prompt of ["A kite", "שלום 2026", "مرحبا", "今日は안녕 nǐ hǎo", "தமிழ் తెలుగు ኢትዮጵያ", "🎉 ❤️ → € ½ (!)", "e\u0301 می\u200cخواهم", ""])
    assert.equal(describeMissingScripts(prompt), "");
});

test("the warning shows the letters of other scripts, at most twenty of them", () => {
  const start = "The built-in sketch can’t draw these letters and will leave them out: ";
  assert.equal(describeMissingScripts("hello བོད, ᏣᎳᎩ"), start + "བོདᏣᎳᎩ");
  assert.equal(describeMissingScripts("𐐀".repeat(500)), start + "𐐀".repeat(20));
});
