// @ts-check
/** Elements, messages and storage of the page. */

import { VideoJobsError } from "./videojobs.js";

const BANNER_SECONDS = 5;
const FAILED = "Something went wrong on our side. Try again.";
/** Texts that replace the messages for developers. @type {Record<string, string>} */
const TEXTS = {
  BAD_RESPONSE: "We couldn’t reach the server. Try again in a moment.",
  FORBIDDEN: "This video belongs to another account. Reload this page.",
  INTERNAL_ERROR: FAILED,
  NOT_FOUND: "This video no longer exists.",
};

/** @param {string} id @returns {any} */
export const byId = (id) => document.getElementById(id);

/** Return the ID of the newest job on the page. */
export const shownJob = () => /** @type {HTMLElement | null} */ (document.querySelector("[data-job]"))?.dataset.job;

/** @type {ReturnType<typeof setTimeout> | undefined} */
let bannerTimer;

/** Announce a change to screen readers, or in the banner if nothing else on the page shows it. @param {string} words @param {boolean} [isSeen] */
export function announce(words, isSeen = false) {
  const banner = byId("banner");
  byId(isSeen ? "banner" : "news").textContent = words;
  if (!isSeen) return;
  banner.classList.add("shown");
  clearTimeout(bannerTimer);
  bannerTimer = setTimeout(() => banner.classList.remove("shown"), BANNER_SECONDS * 1000);
}

/** Ask before a text is lost. @param {string} question @param {string} quote @param {string} label @returns {Promise<boolean>} Whether the user agrees. */
export function confirmLoss(question, quote, label) {
  const dialog = byId("sure");
  for (const [name, text] of Object.entries({ question, quote, agree: label })) byId(name).textContent = text;
  dialog.returnValue = "";
  dialog.showModal();
  return new Promise((resolve) => (dialog.onclose = () => resolve(dialog.returnValue === "agree")));
}

/** @param {unknown} error */
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

/** Return the text that the tab keeps under this name, or null. @param {string} name */
export function recall(name) {
  try {
    return sessionStorage.getItem(name);
  } catch {
    return null; // the browser blocks the storage
  }
}

/** Keep a text in this tab under a name, or remove it. @param {string} name @param {string} [text] */
export function keep(name, text) {
  try {
    if (text) sessionStorage.setItem(name, text);
    else sessionStorage.removeItem(name);
  } catch {} // the browser blocks the storage
}
