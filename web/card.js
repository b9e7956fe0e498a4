// @ts-check
/** Card of one job, created from the template and updated with the job. */

import { byId } from "./dom.js";
import { ENDED } from "./videojobs.js";

/** @typedef {import("./videojobs.js").VideoJob} VideoJob */
/** @typedef {"cancel" | "retry" | "copy" | "remove"} Action */

/** @type {Record<string, string>} */
const NAMES = { fun: "Fun", calm: "Calm", background: "Background" };
const STATES = { queued: "Queued", processing: "Processing", completed: "", failed: "Failed", cancelled: "Cancelled" };
const OFFERS = {
  queued: ["cancel"],
  processing: ["cancel"],
  completed: ["download", "copy", "remove"],
  failed: ["retry", "remove"],
  cancelled: ["retry", "remove"],
};
const AGO = new Intl.RelativeTimeFormat("en", { numeric: "auto" });
const CAN_HOVER = matchMedia("(hover: hover) and (prefers-reduced-motion: no-preference)");

/** Card on the page; `element` is its list item. */
export class Card {
  /** @type {VideoJob} */
  job;
  #freshen;
  /** Time at which the video is expected, in milliseconds since the epoch; 0 if unknown. */
  #readyAt = 0;

  /**
   * @param {VideoJob} job
   * @param {object} does
   * @param {(card: Card, action: Action) => void} does.onAction
   * @param {(jobId: string) => Promise<VideoJob>} does.freshen Fetches the job with new URLs.
   * @param {string} does.downloadUrl
   */
  constructor(job, { onAction, freshen, downloadUrl }) {
    /** @type {any} */
    this.element = document.importNode(byId("card").content, true).firstElementChild;
    this.#freshen = freshen;
    this.job = job;

    const heading = this.#part(".prompt");
    heading.id = `prompt-${job.jobId}`;
    heading.textContent = job.prompt ?? "Without a prompt";
    this.#part("article").setAttribute("aria-labelledby", heading.id);
    this.#part("article").dataset.job = job.jobId;
    const seconds = job.duration === null ? "" : `${Number(job.duration.toFixed(2))} s`;
    this.#part(".wish").textContent = [job.style && NAMES[job.style], seconds, job.aspectRatio].filter(Boolean).join(" · ");
    this.#part("time").dateTime = job.createdAt;
    this.#part(".frame").dataset.ratio = job.aspectRatio ?? "16:9";
    for (const art of this.element.querySelectorAll(".art")) art.dataset.style = job.style ?? "background";
    this.#part(".play").setAttribute("aria-label", `Play “${heading.textContent}”`);
    this.#part("[data-action=download]").href = downloadUrl;
    for (const button of this.element.querySelectorAll("button[data-action]")) {
      button.addEventListener("click", () => onAction(this, button.dataset.action));
    }
    this.#part(".play").addEventListener("click", () => this.#play());
    this.#part("video").addEventListener("error", () => this.#playAgain());
    this.#part("video").addEventListener("loadeddata", () => (this.#part("video").dataset.tries = ""));
    this.#part(".mat").addEventListener("pointerenter", () => this.#move(true));
    this.#part(".mat").addEventListener("pointerleave", () => this.#move(false));
    this.tellTime();
    this.#show();
  }

  /**
   * Show the new state of the job; ignore a version older than the one shown.
   * @param {VideoJob} job
   * @returns {boolean} Whether its status has changed.
   */
  update(job) {
    if (job.version < this.job.version) return false;
    const before = this.job.status;
    this.job = job;
    this.#show();
    return before !== job.status;
  }

  /** Update the text that shows how long ago the job was created. */
  tellTime() {
    const seconds = Math.min(0, (Date.parse(this.job.createdAt) - Date.now()) / 1000);
    this.#part("time").textContent = sayAgo(seconds);
  }

  /** @param {string} words Error message of an action; empty to clear it. */
  complain(words) {
    this.#part(".actions + .problem").textContent = words;
  }

  /** @param {boolean} isBusy Whether an action is in progress. */
  wait(isBusy) {
    for (const button of this.element.querySelectorAll("button[data-action]")) {
      button.toggleAttribute("aria-disabled", isBusy); // `disabled` would lose the focus
    }
  }

  /** Move the focus to the card's first control. */
  focus() {
    this.#part("button:not([hidden]), a:not([hidden])")?.focus();
  }

  /**
   * @param {string} selector
   * @returns {any}
   */
  #part(selector) {
    return this.element.querySelector(selector);
  }

  #show() {
    const { job } = this;
    const progress = job.status === "completed" ? 1 : (job.progress ?? 0);
    this.#part("article").dataset.status = job.status;
    if (job.status !== "processing") this.#readyAt = 0;
    else if (job.estimatedSecondsLeft) this.#readyAt = Date.now() + job.estimatedSecondsLeft * 1000;
    this.#part(".state").textContent = sayState(job, Math.ceil((this.#readyAt - Date.now()) / 1000));
    this.#part(".percent").textContent = job.status === "processing" ? `${Math.floor(progress * 100)}` : "";
    this.#part(".why").textContent = job.status === "failed" ? (job.errorMessage ?? "It failed.") : "";
    const bar = this.#part("progress");
    bar.hidden = ENDED.has(job.status);
    if (job.status === "processing") bar.value = progress;
    else bar.removeAttribute("value");
    this.#part(".mat").style.setProperty("--progress", String(progress));
    this.#showPictures();
    this.#offer();
  }

  #showPictures() {
    const { status, posterUrl, videoUrl } = this.job;
    const isDone = status === "completed";
    for (const name of [".poster", ".glow"]) {
      const image = this.#part(name);
      // The presigned URL changes but the image does not, so the image is loaded once.
      if (isDone && posterUrl && !image.src) image.src = posterUrl;
      if (!isDone) image.removeAttribute("src");
      image.hidden = !isDone || !posterUrl;
    }
    this.#part(".play").hidden = !isDone || !videoUrl || !this.#part("video").hidden;
    if (isDone) return;
    this.#part("video").hidden = true;
    this.#part("video").removeAttribute("src");
    this.#part(".preview").hidden = true;
    this.#part(".preview").removeAttribute("src");
  }

  #offer() {
    const focused = /** @type {any} */ (document.activeElement);
    for (const control of this.element.querySelectorAll("[data-action]")) {
      control.hidden = !OFFERS[this.job.status].includes(control.dataset.action);
    }
    if (focused?.hidden && this.element.contains(focused)) this.focus(); // the focused control is hidden: keep the focus on the card
  }

  /** @param {boolean} moves */
  #move(moves) {
    const preview = this.#part(".preview");
    const url = this.job.previewUrl;
    if (!url || !CAN_HOVER.matches || !this.#part("video").hidden) moves = false;
    if (moves && url && !preview.src) preview.src = url;
    preview.hidden = !moves;
  }

  #play() {
    const video = this.#part("video");
    video.src = this.job.videoUrl;
    video.hidden = false;
    this.#part(".play").hidden = true;
    this.#part(".preview").hidden = true;
    video.focus();
    video.play().catch(() => {}); // failures are handled by the `error` event; pausing early also rejects
  }

  async #playAgain() {
    const video = this.#part("video");
    if (!video.hasAttribute("src")) return;
    if (video.dataset.tries) {
      this.complain("The video can’t be played here. Try to download it.");
      return;
    }
    video.dataset.tries = "1"; // the URL may have expired
    try {
      this.job = await this.#freshen(this.job.jobId);
      this.#play();
    } catch (error) {
      this.complain(/** @type {Error} */ (error).message);
    }
  }
}

/**
 * @param {VideoJob} job
 * @param {number} secondsLeft
 */
function sayState({ status, queuePosition }, secondsLeft) {
  const words = STATES[status];
  if (status === "queued" && queuePosition) return `${words} · number ${queuePosition}`;
  return secondsLeft > 0 ? `${words} · about ${secondsLeft} s left` : words;
}

/** @param {number} seconds Negative for times in the past. */
function sayAgo(seconds) {
  if (seconds > -45) return "just now";
  if (seconds > -45 * 60) return AGO.format(Math.round(seconds / 60), "minute");
  if (seconds > -22 * 3600) return AGO.format(Math.round(seconds / 3600), "hour");
  return AGO.format(Math.round(seconds / 86400), "day");
}
