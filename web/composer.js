// @ts-check
/** The form: what a video may be asked for, checked while one types, in the words of the API where it knows better. */

import { byId } from "./dom.js";
import { VideoJobsError } from "./videojobs.js";

/** @typedef {import("./videojobs.js").VideoRequest} VideoRequest */

const LONGEST_PROMPT = 1000;
const form = byId("composer");
const prompt = byId("prompt");
const duration = byId("duration");
const slider = byId("slider");
const fields = ["prompt", "duration"]; // the others have no wrong choice

/**
 * Let the form ask for videos.
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

/** @param {VideoRequest} request Put into the form, for the user to change or to send. */
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
  if (make.getAttribute("aria-disabled") === "true") return; // a double click asks once
  byId("form-error").textContent = "";
  const problems = { prompt: checkPrompt(), duration: checkDuration() };
  if (show(problems)) return;
  const sent = prompt.value;
  const data = new FormData(form);
  make.setAttribute("aria-disabled", "true");
  try {
    await submit(/** @type {any} */ ({ ...Object.fromEntries(data), duration: duration.valueAsNumber }));
    if (prompt.value === sent) prompt.value = ""; // else it is the next one already
    count();
  } catch (error) {
    if (!(error instanceof VideoJobsError)) throw error;
    const told = Object.fromEntries(error.details.filter(({ field }) => fields.includes(field)).map(({ field, message }) => [field, message]));
    if (!show(told)) byId("form-error").textContent = error.message;
  } finally {
    make.removeAttribute("aria-disabled");
  }
}

/**
 * Show what is to be changed, and go to the first of it.
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

/** Characters as the API counts them: code points, so that an emoji counts as one or a few, not by its bytes. */
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
