// @ts-check
/** Elements of index.html, and texts that the tab keeps. */

const BANNER_SECONDS = 5;

/**
 * Return the element of index.html with this ID.
 * @param {string} id
 * @returns {any}
 */
export const byId = (id) => document.getElementById(id);

/** Return the ID of the newest job on the page. */
export const shownJob = () => /** @type {HTMLElement | null} */ (document.querySelector("[data-job]"))?.dataset.job;

/** @type {ReturnType<typeof setTimeout> | undefined} */
let bannerTimer;

/**
 * Announce a change to screen readers, or show it in the banner for some seconds if nothing else on the page shows it.
 * @param {string} words
 * @param {boolean} [isSeen] Whether to use the banner.
 */
export function announce(words, isSeen = false) {
  const banner = byId("banner");
  byId(isSeen ? "banner" : "news").textContent = words;
  if (!isSeen) return;
  banner.classList.add("shown");
  clearTimeout(bannerTimer);
  bannerTimer = setTimeout(() => banner.classList.remove("shown"), BANNER_SECONDS * 1000);
}

/**
 * Ask before something is lost. Return whether the user agrees.
 * @param {string} question
 * @param {string} quote Text that would be lost.
 * @param {string} label Label of the button that agrees.
 * @returns {Promise<boolean>}
 */
export function confirmLoss(question, quote, label) {
  const dialog = byId("sure");
  for (const [name, text] of Object.entries({ question, quote, agree: label })) byId(name).textContent = text;
  dialog.returnValue = "";
  dialog.showModal();
  return new Promise((resolve) => (dialog.onclose = () => resolve(dialog.returnValue === "agree")));
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
