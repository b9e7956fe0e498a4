// @ts-check
/** Card of one job, created from the template and updated with the job. */

import { byId } from "./page.js";
import { ENDED } from "./videojobs.js";
import { addressOf } from "./view.js";
import { Countdown, sayAgo, sayDate, sayFacts, sayIgnored, sayState, shorten } from "./words.js";

/** @import { VideoJob } from "./videojobs.js" */

const OFFERS = {
  queued: ["cancel"],
  processing: ["cancel"],
  completed: ["download", "copy", "share", "vary", "seed", "edit", "remove"],
  failed: ["retry", "vary", "seed", "edit", "remove"],
  cancelled: ["retry", "vary", "seed", "edit", "remove"],
};
/** In a narrower frame, the controls of the player have no room. */
const PLAYER_WIDTH = 200;
/** Longer videos are not repeated, unless they are backgrounds. */
const LOOP_SECONDS = 10;
/** The cause of a second error within this time is not an expired URL. */
const RENEW_AFTER = 60_000;
export const MOVES = matchMedia("(prefers-reduced-motion: no-preference)");
const CAN_HOVER = matchMedia("(hover: hover)");

export class Card {
  /** List item with the article. @type {any} */
  element = document.importNode(byId("card").content, true).firstElementChild;
  article = this.element.firstElementChild;
  /** Element for the error of an action. */
  problem = this.article.lastElementChild;
  /** @type {VideoJob} */
  job;
  /** Time of the last news about the job, after the list. */
  heardAt = 0;
  #countdown = new Countdown();
  #isLarge;
  #gallery;

  /** @param {VideoJob} job @param {import("./gallery.js").Gallery} gallery @param {boolean} [isLarge] Whether this is the view. */
  constructor(job, gallery, isLarge = false) {
    this.#gallery = gallery;
    this.#isLarge = isLarge;
    this.job = job;

    const label = shorten(job.prompt);
    const heading = this.#part(".prompt");
    const link = this.#part(".prompt a");
    heading.id = `${isLarge ? "view" : "prompt"}-${job.jobId}`;
    link.textContent = job.prompt ?? label;
    link.href = addressOf(job.jobId);
    if (isLarge) heading.textContent = link.textContent;
    else if (label !== job.prompt) link.ariaLabel = label;
    this.article.setAttribute("aria-labelledby", heading.id);
    this.article.dataset.job = job.jobId;
    this.#part(".percent").hidden = ENDED.has(job.status); // later it keeps its place
    this.#part("time").dateTime = job.createdAt;
    this.#part("time").title = sayDate(job.createdAt);
    this.#part(".mat").dataset.ratio = job.aspectRatio ?? "16:9";
    for (const art of this.#parts(".art")) art.dataset.style = job.style ?? "background";
    this.#part(".play").ariaLabel = `Play “\u2068${label}\u2069”`;
    for (const button of this.#parts("[data-action]")) {
      button.setAttribute("aria-describedby", heading.id);
      if ("share" in navigator) button.textContent = button.textContent.replace("Copy", "Share");
      button.addEventListener("click", (/** @type {MouseEvent} */ { detail }) => {
        // The second click of a double click can be on a button that has replaced the first.
        if (!button.ariaDisabled && detail < 2) gallery.act(this, button.dataset.action);
      });
    }
    const mat = this.#part(".mat");
    mat.addEventListener("click", () => this.#part(".play").hidden || this.play());
    mat.addEventListener("pointerenter", () => this.#move(true));
    mat.addEventListener("pointerleave", () => this.#move(false));
    for (const media of this.#parts("img, video")) {
      if (isLarge) media.loading = "eager";
      media.addEventListener("load", () => media.decode().then(() => media.classList.add("ready"), () => {}));
      media.addEventListener("error", () => this.#renew(media));
    }
    this.tellTime();
    this.#show();
  }

  /** Show the new state of the job; ignore a version older than the one shown. @param {VideoJob} job @returns {boolean} Whether its status has changed. */
  update(job) {
    if (job.version < this.job.version) return false;
    const { status, queuePosition } = this.job;
    if (job.version > this.job.version || job.estimatedSecondsLeft || job.queuePosition) this.heardAt = Date.now();
    this.job = { ...job, queuePosition: job.queuePosition ?? queuePosition }; // lists and live updates do not contain it
    this.#show();
    return job.status !== status;
  }

  tellTime() {
    const { createdAt } = this.job;
    this.#part("time").textContent = this.#isLarge ? sayDate(createdAt) : sayAgo((Date.parse(createdAt) - Date.now()) / 1000);
  }

  tellState() {
    this.#part(".state").textContent = sayState(this.job, this.#countdown.left(Date.now()));
  }

  /** @param {boolean} isBusy Whether an action is in progress. */
  wait(isBusy) {
    for (const button of this.#parts("[data-action]")) button.ariaDisabled = isBusy || null; // `disabled` would lose the focus
  }

  focus() {
    this.#part("button:not([hidden])")?.focus();
  }

  /** Play the video, in the view if this frame is too narrow for the controls. */
  play() {
    const video = this.#part("video");
    if (!this.#isLarge && this.#part(".frame").clientWidth < PLAYER_WIDTH) return this.#gallery.act(this, "play");
    video.src = this.job.videoUrl;
    video.loop = this.job.style === "background" || Number(this.job.duration) <= LOOP_SECONDS;
    video.hidden = false;
    this.#part(".play").hidden = this.#part(".preview").hidden = true;
    video.focus();
    resume(video);
  }

  /** @param {string} selector @returns {any} */
  #part(selector) {
    return this.article.querySelector(selector);
  }

  /** @param {string} selector */
  #parts(selector) {
    return this.article.querySelectorAll(selector);
  }

  #show() {
    const { job } = this;
    const isProcessing = job.status === "processing";
    const progress = { completed: 1, processing: job.progress }[/** @type {string} */ (job.status)] ?? 0;
    this.article.dataset.status = job.status;
    this.#countdown.hear(job, Date.now());
    this.tellState();
    this.#part(".percent").textContent = isProcessing ? Math.floor(progress * 100) || "" : "";
    this.#part(".why").textContent = job.status === "failed" ? (job.errorMessage ?? "It failed.") : "";
    this.#part(".wish").textContent = sayFacts(job, this.#isLarge);
    this.#part(".lacks").textContent = sayIgnored(job);
    const bar = this.#part("progress");
    bar.hidden = ENDED.has(job.status);
    if (isProcessing) bar.value = progress;
    else bar.removeAttribute("value");
    this.#part(".mat").style.setProperty("--progress", String(progress));
    this.#showPictures();
    this.#offer();
  }

  #showPictures() {
    const { status, posterUrl, videoUrl } = this.job;
    const isDone = status === "completed";
    for (const image of this.#parts(".poster, .glow")) {
      // The presigned URL changes but the image does not, so the image is loaded once.
      if (isDone && posterUrl && !image.src) image.src = posterUrl;
      image.hidden = !isDone || !posterUrl;
    }
    this.#part(".play").hidden = !isDone || !videoUrl || !this.#part("video").hidden;
    if (isDone) return;
    this.#part("video").hidden = this.#part(".preview").hidden = true;
    for (const media of this.#parts("img, video")) {
      media.removeAttribute("src");
      media.classList.remove("ready");
    }
  }

  #offer() {
    const { status, seed } = this.job;
    const focused = /** @type {any} */ (document.activeElement);
    for (const button of this.#parts("[data-action]")) {
      const { action } = button.dataset;
      const isLeftOut = (/vary|seed/.test(action) && seed == null) || (/share|seed/.test(action) && !this.#isLarge);
      button.hidden = !OFFERS[status].includes(action) || isLeftOut;
    }
    this.#part("[data-action=edit]").textContent = status === "completed" ? "Use again" : "Edit and try again";
    if (focused?.hidden && this.article.contains(focused)) this.focus(); // the focused button is hidden: keep the focus on the card
  }

  /** @param {boolean} moves */
  #move(moves) {
    const preview = this.#part(".preview");
    const url = this.job.previewUrl;
    if (!url || !CAN_HOVER.matches || !MOVES.matches || !this.#part("video").hidden) moves = false;
    if (moves && !preview.src) preview.src = url;
    preview.hidden = !moves;
  }

  /** Load a picture or the video with a new URL, because its URL may have expired. @param {any} media */
  async #renew(media) {
    const { currentTime, paused, playbackRate, dataset } = media;
    const isVideo = paused !== undefined;
    if (!media.hasAttribute("src")) return;
    if (Date.now() - (dataset.renewed ?? 0) < RENEW_AFTER) {
      if (isVideo) this.problem.textContent = "This video won’t play here. Try downloading it.";
      return;
    }
    dataset.renewed = Date.now();
    const job = /** @type {any} */ (await this.#gallery.freshen(this));
    const url = job?.[`${media.classList[0].replace("glow", "poster")}Url`];
    if (!url) return;
    media.src = url;
    if (!isVideo) return;
    media.preload = "auto"; // shows the picture at this position, also of a paused video
    Object.assign(media, { currentTime, playbackRate });
    if (!paused) resume(media);
  }
}

/** @param {HTMLVideoElement} video */
function resume(video) {
  video.play().catch(() => {}); // failures are handled by the `error` event; pausing early also rejects
}
