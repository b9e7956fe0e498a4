// @ts-check
/** Form that creates jobs. It validates the fields while the user types, and shows the validation errors of the API. */

import { byId } from "./dom.js";
import { VideoJobsError } from "./videojobs.js";

/** @typedef {import("./videojobs.js").VideoRequest} VideoRequest */

const LONGEST_PROMPT = 1000;
const form = byId("composer");
const prompt = byId("prompt");
const duration = byId("duration");
const slider = byId("slider");
const fields = ["prompt", "duration"]; // every choice of the other fields is valid

/**
 * Set up the form; `submit` is called with each valid request.
 * @param {(request: VideoRequest) => Promise<void>} submit
 */
export function prepareComposer(submit) {
  prompt.addEventListener("input", () => {
    count();
    if (prompt.value.trim()) complain("prompt", "");
  });
  prompt.addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      form.requestSubmit();
    }
  });
  slider.addEventListener("input", () => {
    duration.value = slider.value;
    complain("duration", "");
  });
  duration.addEventListener("input", () => {
    slider.value = duration.value;
    complain("duration", checkDuration());
  });
  form.addEventListener("submit", (/** @type {SubmitEvent} */ event) => {
    event.preventDefault();
    send(submit);
  });
  if (/Mac|iP(hone|ad)/.test(navigator.userAgent)) byId("hint").firstElementChild.textContent = "⌘";
  count();
}

/** @param {VideoRequest} request Request with which to fill in the form. */
export function fill(request) {
  prompt.value = request.prompt;
  duration.value = slider.value = String(request.duration);
  for (const name of ["style", "aspectRatio"]) form.elements[name].value = /** @type {any} */ (request)[name];
  for (const field of fields) complain(field, "");
  count();
  prompt.focus();
}

/** @param {(request: VideoRequest) => Promise<void>} submit */
async function send(submit) {
  const make = byId("make");
  if (make.getAttribute("aria-disabled") === "true") return; // ignore the second click of a double click
  byId("form-error").textContent = "";
  const problems = { prompt: checkPrompt(), duration: checkDuration() };
  if (show(problems)) return;
  const sent = prompt.value;
  const data = new FormData(form);
  make.setAttribute("aria-disabled", "true");
  try {
    await submit(/** @type {any} */ ({ ...Object.fromEntries(data), duration: duration.valueAsNumber }));
    if (prompt.value === sent) prompt.value = ""; // otherwise the user is already typing the next prompt
    count();
  } catch (error) {
    if (!(error instanceof VideoJobsError)) throw error;
    const messages = Object.fromEntries(error.details.filter(({ field }) => fields.includes(field)).map(({ field, message }) => [field, message]));
    if (!show(messages)) byId("form-error").textContent = error.message;
  } finally {
    make.removeAttribute("aria-disabled");
  }
}

/**
 * Show the problems of the fields, move the focus to the first such field, and return whether there is one.
 * @param {Record<string, string>} problems
 */
function show(problems) {
  const first = fields.find((field) => problems[field]);
  for (const field of fields) complain(field, problems[field] ?? "");
  if (first) byId(first).focus();
  return Boolean(first);
}

/**
 * @param {string} field
 * @param {string} words
 */
function complain(field, words) {
  byId(`${field}-error`).textContent = words;
  const control = byId(field);
  if (words) control.setAttribute("aria-invalid", "true");
  else control.removeAttribute("aria-invalid");
}

/** Return the number of code points, as the API counts characters. */
function length() {
  return [...prompt.value].length;
}

function count() {
  const over = length() - LONGEST_PROMPT;
  const words = `${length().toLocaleString("en")} of ${LONGEST_PROMPT.toLocaleString("en")} characters`;
  byId("prompt-count").textContent = over > 0 ? `${words}: ${over.toLocaleString("en")} too many` : words;
  byId("prompt-count").classList.toggle("over", over > 0);
  if (over > 0) prompt.setAttribute("aria-invalid", "true");
  else if (!byId("prompt-error").textContent) prompt.removeAttribute("aria-invalid");
}

function checkPrompt() {
  if (!prompt.value.trim()) return "Say what you want to see.";
  return length() > LONGEST_PROMPT ? `Use ${LONGEST_PROMPT.toLocaleString("en")} characters at most.` : "";
}

function checkDuration() {
  const seconds = duration.valueAsNumber;
  return seconds >= 1 && seconds <= 60 ? "" : "From 1 to 60 seconds, whole or fractional.";
}
