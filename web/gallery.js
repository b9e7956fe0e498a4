// @ts-check
/** List of cards: pages, filter, and updates of the jobs. */

import { Card } from "./card.js";
import { byId } from "./dom.js";
import { ENDED, expiryOf, VideoJobsError } from "./videojobs.js";

/** @typedef {import("./videojobs.js").VideoJob} VideoJob */
/** @typedef {import("./videojobs.js").VideoJobs} VideoJobs */
/** @typedef {import("./videojobs.js").Status} Status */

const PAGE = 24;
const TICK = 15_000;
/** Number of queued jobs whose position is fetched at each tick: the oldest, which are next. */
const LOOKED_UP = 5;
/** @type {Record<string, string>} */
const OUTCOMES = { completed: "Ready", failed: "Failed", cancelled: "Cancelled" };
const list = byId("cards");
const more = byId("more");
const choices = byId("filter").elements.status;
const sure = byId("sure");

/** List of the user's jobs on the page. */
export class Gallery {
  /** @type {Map<string, Card>} */
  #cards = new Map();
  /** @type {string | null} */
  #cursor = null;
  /** @type {Status | null} */
  #status = null;
  #loads = 0;
  #videos;
  #announce;
  #onSignedOut;
  /** Sends deletions to other tabs, because deleted jobs have no live updates. */
  #tabs = new BroadcastChannel("videojobs");

  /**
   * @param {VideoJobs} videos
   * @param {object} callbacks
   * @param {(words: string, isSeen?: boolean) => void} callbacks.announce
   * @param {() => void} callbacks.onSignedOut
   */
  constructor(videos, { announce, onSignedOut }) {
    this.#videos = videos;
    this.#announce = announce;
    this.#onSignedOut = onSignedOut;
    this.#tabs.onmessage = ({ data }) => this.#drop(data);
    more.addEventListener("click", () => this.#loadMore());
    byId("filter").addEventListener("change", () => this.#choose(choices.value));
    setInterval(() => this.#tick(), TICK);
    this.#status = /** @type {Status} */ (check(new URLSearchParams(location.search).get("status"))) || null;
  }

  /** Load the first page and remove the cards of other jobs. */
  async load() {
    list.setAttribute("aria-busy", "true");
    const page = await this.#fetch(null);
    list.removeAttribute("aria-busy");
    if (!page) return;
    const shown = new Set(page.items.map(({ jobId }) => jobId));
    for (const jobId of this.#cards.keys()) if (!shown.has(jobId)) this.#take(jobId);
    for (const job of page.items) this.#put(job);
    this.#tidy();
  }

  /**
   * Show an update of a job, or a new job.
   * @param {VideoJob} job
   */
  hear(job) {
    const card = this.#cards.get(job.jobId);
    if (!card) {
      const last = [...this.#cards.values()].at(-1);
      const isFurtherDown = this.#cursor !== null && last && isNewer(last.job, job);
      if (isFurtherDown || (this.#status && this.#status !== job.status)) return;
      this.#put(job);
      this.#tidy();
      this.#lookUp(job);
    } else if (card.update(job)) {
      if (ENDED.has(job.status)) this.#announce(`${OUTCOMES[String(job.status)]}: ${job.prompt}`);
      this.#lookUp(job);
    }
  }

  /**
   * Show a job created on this page and scroll to it. A filter that would hide the job is cleared.
   * @param {VideoJob} job
   */
  async add(job) {
    if (this.#status && this.#status !== job.status) {
      await this.#choose(check(""));
    }
    this.hear(job);
    this.#cards.get(job.jobId)?.element.scrollIntoView({ block: "nearest" });
  }

  /**
   * Fetch the queue position and the estimate of a job, which lists and live updates do not contain.
   * @param {VideoJob} job
   */
  #lookUp({ jobId, status }) {
    if (ENDED.has(status)) return;
    this.#videos.status(jobId).then((job) => this.#cards.get(jobId)?.update(job), () => {}); // optional information: ignore errors
  }

  #tick() {
    const cards = [...this.#cards.values()];
    for (const card of cards) card.tellTime();
    const waiting = cards.filter(({ job }) => job.status === "queued");
    for (const { job } of waiting.slice(-LOOKED_UP)) this.#lookUp(job); // the oldest jobs are next
  }

  /** @param {string} status */
  #choose(status) {
    this.#status = /** @type {Status} */ (status) || null;
    const url = new URL(location.href);
    if (status) url.searchParams.set("status", status);
    else url.searchParams.delete("status");
    history.replaceState(null, "", url);
    for (const jobId of [...this.#cards.keys()]) this.#take(jobId);
    return this.load();
  }

  async #loadMore() {
    const known = this.#cards.size;
    const page = await this.#fetch(this.#cursor);
    if (!page) return;
    for (const job of page.items) this.#put(job);
    this.#tidy();
    this.#announce(`${this.#cards.size - known} more`);
    [...this.#cards.values()][known]?.focus();
  }

  /** @param {string | null} cursor */
  async #fetch(cursor) {
    const load = ++this.#loads;
    byId("list-error").textContent = "";
    try {
      const page = await this.#videos.list({ status: this.#status, limit: PAGE, cursor });
      if (load !== this.#loads) return null; // the filter has changed in the meantime
      this.#cursor = page.nextCursor;
      return page;
    } catch (error) {
      if (load === this.#loads) this.#report(error, (words) => (byId("list-error").textContent = words));
      return null;
    }
  }

  /** @param {VideoJob} job */
  #put(job) {
    const known = this.#cards.get(job.jobId);
    if (known) {
      known.update(job);
      return;
    }
    const card = new Card(job, {
      onAction: (it, action) => this.#act(it, action),
      freshen: (jobId) => this.#videos.status(jobId),
      downloadUrl: this.#videos.contentUrl(job.jobId, { download: true }),
    });
    const later = [...this.#cards.values()].find(({ job: other }) => isNewer(job, other));
    list.insertBefore(card.element, later?.element ?? null);
    this.#cards.set(job.jobId, card);
    if (later) this.#cards = new Map([...this.#cards].sort(([, first], [, second]) => (isNewer(first.job, second.job) ? -1 : 1)));
  }

  /** @param {string} jobId */
  #take(jobId) {
    this.#cards.get(jobId)?.element.remove();
    this.#cards.delete(jobId);
  }

  /** @param {string} jobId */
  #drop(jobId) {
    const card = this.#cards.get(jobId);
    if (!card) return;
    const hadFocus = card.element.contains(document.activeElement);
    const next = card.element.nextElementSibling ?? card.element.previousElementSibling;
    const neighbour = [...this.#cards.values()].find(({ element }) => element === next);
    this.#take(jobId);
    this.#tidy();
    if (hadFocus && neighbour) neighbour.focus();
    else if (hadFocus) byId("yours").focus();
  }

  #tidy() {
    const isEmpty = this.#cards.size === 0;
    list.classList.toggle("staged", this.#status === null);
    more.hidden = this.#cursor === null;
    byId("none").hidden = !isEmpty || this.#status !== null;
    byId("none-of-these").hidden = !isEmpty || this.#status === null;
    byId("none-of-these").textContent = `No video of yours is ${this.#status} now.`;
  }

  /**
   * @param {Card} card
   * @param {import("./card.js").Action} action
   */
  async #act(card, action) {
    const { jobId } = card.job;
    card.complain("");
    if (action === "remove" && !(await this.#isSure(card.job))) return;
    card.wait(true);
    try {
      if (action === "cancel") this.hear(await this.#videos.cancel(jobId));
      if (action === "retry") this.hear(await this.#videos.retry(jobId));
      if (action === "copy") await this.#copy(card);
      if (action === "remove") {
        await this.#videos.remove(jobId);
        this.#forget(jobId);
      }
    } catch (error) {
      this.#report(error, (words) => card.complain(words));
      if (error instanceof VideoJobsError && error.status === 404) this.#forget(jobId);
      if (error instanceof VideoJobsError && error.status === 409) this.hear(await this.#videos.status(jobId));
    } finally {
      card.wait(false);
    }
  }

  /** @param {string} jobId */
  #forget(jobId) {
    this.#drop(jobId);
    this.#tabs.postMessage(jobId);
    this.#announce("Deleted");
  }

  /**
   * Copy the presigned URL of the video, which works without a session until it expires.
   * @param {Card} card
   */
  async #copy(card) {
    const url = this.#videos.status(card.job.jobId).then((job) => (card.update(job), job.videoUrl ?? ""));
    // Called in the click handler, because some browsers allow writing to the clipboard only there.
    await navigator.clipboard.write([new ClipboardItem({ "text/plain": url.then((text) => new Blob([text], { type: "text/plain" })) })]);
    const expiry = expiryOf(await url);
    const minutes = expiry ? Math.floor((expiry.getTime() - Date.now()) / 60_000) : 0;
    this.#announce(minutes > 0 ? `Link copied. Anyone who has it can play the video for ${minutes} minutes.` : "Link copied.", true);
  }

  /** @param {VideoJob} job */
  #isSure(job) {
    byId("sure-prompt").textContent = job.prompt ?? "";
    sure.returnValue = "";
    sure.showModal();
    return new Promise((resolve) => {
      sure.addEventListener("close", () => resolve(sure.returnValue === "delete"), { once: true });
    });
  }

  /**
   * @param {unknown} error
   * @param {(words: string) => void} say
   */
  #report(error, say) {
    if (error instanceof VideoJobsError && error.isSignedOut) this.#onSignedOut();
    else say(error instanceof VideoJobsError ? error.message : "That did not work. Try again.");
  }
}

/**
 * Select a status of the filter and return it; return an empty string for an unknown status.
 * @param {string | null} status
 * @returns {string}
 */
function check(status) {
  const choice = [...choices].find(({ value }) => value === status);
  if (choice) choice.checked = true;
  return choice?.value ?? "";
}

/**
 * @param {VideoJob} job
 * @param {VideoJob} other
 */
function isNewer(job, other) {
  return job.createdAt === other.createdAt ? job.jobId > other.jobId : job.createdAt > other.createdAt;
}
