// @ts-check
/** Form that creates jobs. It validates the fields, keeps a draft, and shows the errors of the API. */

import { byId, confirmLoss, keep, recall, showError, shownJob } from "./page.js";
import { randomId, VideoJobsError } from "./videojobs.js";
import { describeMissingScripts, requestOf } from "./words.js";

/** @import { RequestOptions, VideoJobs, VideoRequest } from "./videojobs.js" */
/** @typedef {(request: VideoRequest, idempotencyKey: string) => Promise<void>} Submit */

const LONGEST_PROMPT = 1000;
/** Milliseconds without a change before the price is requested. */
const PRICE_PAUSE = 700;
const SENDING = "Sending…";
const NUMBER = new Intl.NumberFormat("en");
const DRAFT = "draft";
const form = byId("composer");
const prompt = byId("prompt");
const duration = byId("duration");
const slider = byId("slider");
const make = byId("make");
const problem = byId("form-error");
const label = make.textContent;
const options = byId("options");
const OPTIONS = ["resolution", "sound", "negativePrompt", "seed"];
const { seed } = form.elements;
const fields = ["prompt", "duration", "seed"]; // every choice of the other fields is valid

/** Last request, as JSON, and its key, under which it is repeated. */
let sent = { request: "", key: "" };
/** Whether the form is sent when the connection returns. */
let isWaiting = false;
/** Whether a countdown disables the button. */
let isPaused = false;
/** Prompt that the user has not typed. */
let filled = "";
/** Client, if a provider has prices. @type {VideoJobs | undefined} */
let client;
/** Prices for the button, by the fields on which they depend; empty if unknown. @type {Map<string, string>} */
const prices = new Map();
/** @type {ReturnType<typeof setTimeout> | undefined} */
let priceTimer;

/** @param {Submit} submit Called with each valid request. */
export function prepareComposer(submit) {
  form.addEventListener("input", (/** @type {Event} */ { target }) => {
    if (isWaiting) showError(problem);
    isWaiting = false;
    if (target === slider) duration.value = slider.value;
    if (prompt.value.trim()) complain("prompt", "");
    if (!checkDuration()) complain("duration", ""); // otherwise the user is still typing
    if (!checkSeed()) complain("seed", "");
    update();
    saveDraft();
  });
  prompt.addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      form.requestSubmit();
    }
  });
  duration.addEventListener("change", () => complain("duration", checkDuration()));
  form.addEventListener("submit", (/** @type {SubmitEvent} */ event) => {
    event.preventDefault();
    send(submit);
  });
  document.addEventListener("videojobs:edit", (event) => suggest(/** @type {CustomEvent} */ (event).detail));
  if (/Mac|iP(hone|ad)/.test(navigator.userAgent)) byId("hint").querySelector("kbd").textContent = "⌘";
  make.disabled = false;
  update();
}

/** @param {VideoRequest} request Request with which to fill in the form, if the user agrees to replace the draft. */
export async function suggest(request) {
  const draft = prompt.value.trim();
  const isOwn = draft && draft !== filled && draft !== request.prompt;
  if (isOwn && !(await confirmLoss("Replace your draft?", draft, "Replace"))) return;
  filled = request.prompt;
  fill(request);
  saveDraft();
  prompt.focus();
}

/** Show the options that a provider supports. @param {RequestOptions} offered @param {VideoJobs} videos */
export function offer({ resolutions, providers }, videos) {
  for (const name of OPTIONS) {
    const control = form.elements[name];
    const isOffered = name === "resolution" ? resolutions.length > 1 : providers.some((/** @type {any} */ provider) => provider[name]);
    control.disabled = control.parentElement.hidden = !isOffered;
    options.hidden &&= !isOffered;
  }
  for (const choice of form.elements.resolution.options) choice.hidden = choice.disabled = !resolutions.includes(choice.text);
  if (providers.some(({ prices }) => prices.length)) client = videos;
  update();
}

/** @param {number | null} value */
export function useSeed(value) {
  seed.value = value;
  options.open = true;
  seed.dispatchEvent(new Event("input", { bubbles: true }));
  seed.focus();
}

export function resend() {
  if (isWaiting) form.requestSubmit();
}

/** Return the draft, with the ID of a job of its user. */
export const readDraft = () => JSON.parse(recall(DRAFT) ?? "null");

export function restoreDraft() {
  if (readDraft() && !prompt.value) fill(readDraft());
}

export const forgetDraft = () => keep(DRAFT);

function saveDraft() {
  const draft = { ...Object.fromEntries(new FormData(form)), jobId: shownJob() };
  keep(DRAFT, prompt.value.trim() && JSON.stringify(draft));
}

/** @param {VideoRequest} request */
function fill(request) {
  prompt.value = request.prompt ?? "";
  if (request.duration) duration.value = request.duration;
  for (const name of ["style", "aspectRatio"]) form.elements[name].value = /** @type {any} */ (request)[name];
  const wish = /** @type {any} */ (requestOf(request));
  options.open ||= OPTIONS.some((name) => name in wish);
  for (const name of OPTIONS) form.elements[name].value = wish[name] ?? "";
  for (const field of fields) complain(field, "");
  update();
}

const read = () => requestOf(Object.fromEntries(new FormData(form)));

/** @param {Submit} submit */
async function send(submit) {
  if (make.ariaDisabled) return; // ignore the second click of a double click
  isWaiting = false;
  showError(problem);
  if (show(check())) return;
  const request = read();
  if (sent.request !== JSON.stringify(request)) sent = { request: JSON.stringify(request), key: randomId() };
  make.ariaDisabled = "true";
  const slow = setTimeout(() => (make.textContent = SENDING), 300);
  try {
    if (!navigator.onLine) throw new VideoJobsError("You’re offline.", { code: "OFFLINE" });
    await submit(request, sent.key);
    sent = { request: "", key: "" };
    if (prompt.value === request.prompt) prompt.value = ""; // otherwise the user is already typing the next prompt
    update();
    saveDraft();
  } catch (error) {
    if (error instanceof VideoJobsError) report(error);
    else throw error;
  } finally {
    clearTimeout(slow);
    make.textContent = label;
    showPrice();
    if (!isPaused) make.ariaDisabled = null;
  }
}

/** @param {VideoJobsError} error */
function report(error) {
  if (error.isSignedOut) return;
  const messages = Object.fromEntries(error.details.filter(({ field }) => fields.includes(field)).map(({ field, message }) => [field, message]));
  if (show(messages)) return;
  isPaused = Boolean(error.retryAfter);
  showError(problem, error, () => {
    isPaused = false;
    make.ariaDisabled = null;
  });
  isWaiting = error.status === 0 && error.code !== "ORIGIN_BLOCKED";
  if (isWaiting) problem.append(" Your video is sent when the connection is back.");
}

/** Show the problems of the fields and return whether there is one. @param {Record<string, string>} problems */
function show(problems) {
  const first = fields.find((field) => problems[field]);
  for (const field of fields) complain(field, problems[field] ?? "");
  if (first === "seed") options.open = true;
  if (first) byId(first).focus();
  return Boolean(first);
}

/** @param {string} field @param {string} words */
function complain(field, words) {
  byId(`${field}-error`).textContent = words;
  byId(field).ariaInvalid = words ? "true" : null;
}

/** Return how many characters are over the limit; negative below it. The API counts code points. */
const countOver = () => [...prompt.value].length - LONGEST_PROMPT;

function update() {
  if (!checkDuration()) slider.value = duration.value;
  byId("about").textContent = form.querySelector("[name=style]:checked").dataset.about;
  const over = countOver();
  const limit = NUMBER.format(LONGEST_PROMPT);
  const count = byId("prompt-count");
  count.textContent = over > 0 ? `${NUMBER.format(over)} over the limit of ${limit}` : `${NUMBER.format(LONGEST_PROMPT + over)} of ${limit} characters`;
  count.classList.toggle("over", over > 0);
  byId("prompt-scripts").textContent = describeMissingScripts(prompt.value);
  prompt.ariaInvalid = over > 0 || byId("prompt-error").textContent ? "true" : null;
  showPrice();
}

/** Show the price on the button. If it is not known, request it once, after a pause. */
function showPrice() {
  const request = read();
  const key = String([request.duration, request.aspectRatio, request.resolution, request.sound]);
  clearTimeout(priceTimer);
  if (make.textContent !== SENDING) make.textContent = label + (prices.get(key) ?? "");
  if (!client || prices.has(key) || Object.values(check()).some(Boolean)) return;
  priceTimer = setTimeout(async () => {
    prices.set(key, "");
    const price = (await client?.estimate(request).catch(() => null))?.price;
    if (price) prices.set(key, ` · ${price.amount.toLocaleString("en", { style: "currency", currency: price.currency })}`);
    showPrice();
  }, PRICE_PAUSE);
}

const check = () => ({ prompt: checkPrompt(), duration: checkDuration(), seed: checkSeed() });

function checkPrompt() {
  const over = countOver();
  if (!prompt.value.trim()) return "Describe what you want to see.";
  return over > 0 ? `That’s ${NUMBER.format(over)} ${over === 1 ? "character" : "characters"} too long.` : "";
}

const checkSeed = () => (seed.checkValidity() ? "" : "Enter a whole number from 0 to 4,294,967,295, or leave it empty.");

function checkDuration() {
  const seconds = duration.valueAsNumber;
  return seconds >= 1 && seconds <= 60 ? "" : "Enter a length from 1 to 60 seconds.";
}
