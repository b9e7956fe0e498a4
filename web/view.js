// @ts-check
/** View of one video, with an address of its own. */

import { byId, keep, recall } from "./page.js";

/** @import { Card } from "./card.js" */

const KEPT = "view";
/** Keys that show another video: the newer one is to the left on the page. @type {Record<string, number>} */
const STEPS = { ArrowLeft: -1, ArrowRight: 1 };
const dialog = byId("view");
const viewed = byId("viewed");

/** @param {string} jobId */
export const addressOf = (jobId) => `#/videos/${jobId}`;

/** Dialog with a large card. The browser's Back closes it. */
export class View {
  /** @type {Card | null} */
  card = null;
  #find;

  /** @param {(jobId: string) => Promise<Card | null>} find Returns a large card; null after an error, which is shown. */
  constructor(find) {
    this.#find = find;
    addEventListener("hashchange", () => this.open());
    dialog.addEventListener("close", () => this.#leave());
    dialog.addEventListener("click", (/** @type {MouseEvent} */ { target }) => target === dialog && dialog.close());
    dialog.addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => this.#step(event));
  }

  /** Show the video that the address names, or that was open when the session ended. */
  start() {
    const hash = recall(KEPT);
    keep(KEPT);
    if (hash && !location.hash) history.replaceState(null, "", hash);
    return this.open();
  }

  /** Show the video that the address names, or else close the view. */
  async open() {
    const { hash } = location;
    const jobId = /^#\/videos\/(\w+)$/.exec(hash)?.[1];
    const card = jobId ? await this.#find(jobId) : null;
    if (hash !== location.hash) return;
    this.card = card;
    if (!card) return dialog.open ? dialog.close() : this.#leave();
    const { action } = /** @type {HTMLElement} */ (document.activeElement).dataset;
    viewed.replaceChildren(card.article);
    dialog.setAttribute("aria-labelledby", card.article.getAttribute("aria-labelledby"));
    if (!dialog.open) return dialog.showModal();
    if (!dialog.contains(document.activeElement)) (viewed.querySelector(`[data-action=${action}]:not([hidden])`) ?? card).focus();
  }

  close() {
    dialog.close();
  }

  /** Show the next video on the page in the direction of an arrow key. @param {KeyboardEvent} event */
  #step({ key, target, altKey, ctrlKey, metaKey }) {
    const isSeeking = /** @type {HTMLElement} */ (target).matches("video");
    if (!STEPS[key] || isSeeking || altKey || ctrlKey || metaKey) return;
    const ids = Array.from(document.querySelectorAll("#cards > :not([hidden]) > *"), (card) => /** @type {HTMLElement} */ (card).dataset.job);
    const index = ids.indexOf(this.card?.job.jobId);
    const next = index < 0 ? null : ids[index + STEPS[key]];
    if (!next) return;
    history.replaceState(null, "", addressOf(next));
    this.open();
  }

  #leave() {
    this.card = null;
    viewed.replaceChildren();
    if (location.hash) history.replaceState(null, "", location.pathname + location.search);
  }
}

/** Close the view. It is opened again after the user has signed in. */
export function keepView() {
  keep(KEPT, location.hash);
  dialog.close();
}
