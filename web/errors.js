// @ts-check
/** Texts for errors, by their code, and the time until the next attempt. */

import { VideoJobsError } from "./videojobs.js";

const FAILED = "Something went wrong on our side. Try again.";
/** Texts that replace the messages for developers. @type {Record<string, string>} */
const TEXTS = {
  BAD_RESPONSE: "We couldn’t reach the server. Try again in a moment.",
  FORBIDDEN: "This video belongs to another account. Reload this page.",
  INTERNAL_ERROR: FAILED,
  NOT_FOUND: "This video no longer exists.",
};

/**
 * Return the text for an error.
 * @param {unknown} error
 */
export function explain(error) {
  if (!(error instanceof VideoJobsError)) return FAILED;
  const { code, requestId, status } = error;
  const text = TEXTS[code] ?? error.message;
  if (code === "BAD_RESPONSE") return text.replace(".", ` (${status}).`);
  return text === FAILED && requestId ? `${text} If it keeps happening, send us this code: ${requestId}` : text;
}

/**
 * Show an error in an element. If the error states how long to wait, count down, then remove the text.
 * @param {HTMLElement} element
 * @param {unknown} [error] Without it, the text is removed.
 * @param {() => void} [onEnd] Called at the end of the countdown.
 */
export function showError(element, error, onEnd) {
  clearInterval(element.dataset.timer);
  element.textContent = error ? explain(error) : "";
  const seconds = error instanceof VideoJobsError ? error.retryAfter : null;
  if (!seconds) return;
  element.textContent = `${element.textContent?.replace(/ Try again.*/, "")} Try again in `;
  const clock = element.appendChild(document.createElement("span"));
  clock.setAttribute("role", "timer"); // screen readers do not read each second
  element.append(".");
  const end = Date.now() + seconds * 1000;
  const tick = () => {
    const left = Math.ceil((end - Date.now()) / 1000);
    clock.textContent = left < 90 ? `${left} s` : `${Math.round(left / 60)} min`;
    if (left > 0) return;
    showError(element);
    onEnd?.();
  };
  element.dataset.timer = String(setInterval(tick, 1000));
  tick();
}
