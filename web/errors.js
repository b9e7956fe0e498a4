// @ts-check
/** Texts for errors, by their code, and the time until the next attempt. */

import { VideoJobsError } from "./videojobs.js";

/** @typedef {import("./videojobs.js").RateLimit} RateLimit */

const FAILED = "Something went wrong on our side. Try again.";
/** Codes without a text here have a message of the API that its user can follow. @type {Record<string, string>} */
const TEXTS = {
  BAD_RESPONSE: "We couldn’t reach the server. Try again in a moment.",
  FORBIDDEN: "This video belongs to another account. Reload this page.",
  INTERNAL_ERROR: FAILED,
  NOT_FOUND: "This video no longer exists.",
  OFFLINE: "You’re offline.",
  ORIGIN_BLOCKED: "This page isn’t allowed to make videos. Contact support.",
  RATE_LIMITED: "That was too much at once. Try again in a moment.",
  TIMEOUT: "The server took too long to respond. Try again.",
  UNREACHABLE: "We couldn’t reach the server. Try again in a moment.",
};
/** @type {WeakMap<HTMLElement, number>} */
const timers = new WeakMap();

/**
 * Return the text for an error.
 * @param {unknown} error
 * @param {RateLimit | null} [limit] Rate limit of the call.
 */
export function explain(error, limit) {
  if (!(error instanceof VideoJobsError)) return FAILED;
  const { code, requestId, status } = error;
  const text = TEXTS[code] ?? error.message;
  if (code === "RATE_LIMITED" && limit?.windowSeconds === 60) return `You can make ${limit.limit} videos a minute.`;
  if (code === "BAD_RESPONSE") return text.replace(".", ` (${status}).`);
  return text === FAILED && requestId ? `${text} If it keeps happening, send us this code: ${requestId}` : text;
}

/**
 * Show an error in an element. If the error states how long to wait, count down, then remove the text.
 * @param {HTMLElement} element
 * @param {unknown} [error] Without it, the text is removed.
 * @param {{ limit?: RateLimit | null, onEnd?: () => void }} [options] `onEnd` is called at the end of the countdown.
 */
export function showError(element, error, { limit, onEnd } = {}) {
  clearInterval(timers.get(element));
  element.textContent = error ? explain(error, limit) : "";
  const seconds = error instanceof VideoJobsError ? error.retryAfter : null;
  if (!seconds) return;
  element.textContent = `${element.textContent?.replace(/ Try again.*/, "")} Try again in `;
  const clock = element.appendChild(document.createElement("span"));
  clock.setAttribute("role", "timer"); // screen readers do not read each second
  element.append(".");
  const end = Date.now() + seconds * 1000;
  const tick = () => {
    const left = Math.ceil((end - Date.now()) / 1000);
    clock.textContent = sayTime(left);
    if (left > 0) return;
    showError(element);
    onEnd?.();
  };
  timers.set(element, setInterval(tick, 1000));
  tick();
}

/** @param {number} seconds */
export function sayTime(seconds) {
  return seconds < 90 ? `${seconds} s` : `${Math.round(seconds / 60)} min`;
}
