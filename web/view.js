// @ts-check
/** View of one video, with an address of its own. */

import { byId } from "./dom.js";

/** @import { Card } from "./card.js" */

const KEPT = "view";
const dialog = byId("view");

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
  }

  /** Show the video that the address names, or that was open when the session ended. */
  start() {
    try {
      const hash = sessionStorage.getItem(KEPT);
      sessionStorage.removeItem(KEPT);
      if (hash && !location.hash) history.replaceState(null, "", hash);
    } catch {} // the browser blocks the storage
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
    byId("viewed").replaceChildren(card.article);
    dialog.setAttribute("aria-labelledby", card.article.getAttribute("aria-labelledby"));
    if (!dialog.open) dialog.showModal();
  }

  close() {
    dialog.close();
  }

  #leave() {
    this.card = null;
    byId("viewed").replaceChildren();
    if (location.hash) history.replaceState(null, "", location.pathname + location.search);
  }
}

/** Close the view. It is opened again after the user has signed in. */
export function keepView() {
  try {
    sessionStorage.setItem(KEPT, location.hash);
  } catch {} // the browser blocks the storage
  dialog.close();
}
