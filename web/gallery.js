// @ts-check
/** List of cards: pages, filter, search, and updates of the jobs. */

import { Card, MOVES } from "./card.js";
import { useSeed } from "./composer.js";
import { announce, byId, confirmLoss, showError } from "./page.js";
import { ENDED, expiryOf, randomId } from "./videojobs.js";
import { addressOf, View } from "./view.js";
import { requestOf, shorten } from "./words.js";

/** @import { VideoJob, VideoJobs, VideoRequest } from "./videojobs.js" */

const PAGE = 24;
const TICK = 15_000;
/** A live message can be lost: after this time without news, an unfinished job is fetched. */
const SILENCE = 20_000;
const LOOK_UPS = 8;
/** Statuses of the groups of the filter. @type {Record<string, any[]>} */
const GROUPS = { "": [null], progress: ["queued", "processing"], completed: ["completed"], failed: ["failed"], cancelled: ["cancelled"] };
const list = byId("cards");
const more = byId("more");
const again = byId("again");
const problem = byId("list-error");
const search = byId("search");
const choices = byId("filter").elements.status;
const TITLE = document.title;

export class Gallery {
  /** Cards of the selected group, newest first. @type {Map<string, Card>} */
  #cards = new Map();
  /** Statuses of all known jobs. @type {Map<string, string>} */
  #known = new Map();
  /** Groups of which all jobs are known. Unfinished jobs are followed. */
  #complete = new Set(["progress"]);
  #group = "";
  /** Cursors of the next pages, for each status of the group. @type {(string | null)[]} */
  #cursors = [];
  #loads = 0;
  #tickedAt = 0;
  /** Number of videos that ended while the tab was hidden. */
  #ended = 0;
  #videos;
  #onSignedOut;
  #view = new View((jobId) => this.#find(jobId));
  /** Sends deletions to other tabs, because deleted jobs have no live updates. */
  #tabs = new BroadcastChannel("videojobs");
  /** Repeats what has failed. */
  #repeat = () => {};

  /** @param {VideoJobs} videos @param {() => void} onSignedOut */
  constructor(videos, onSignedOut) {
    this.#videos = videos;
    this.#onSignedOut = onSignedOut;
    this.#tabs.onmessage = ({ data }) => this.#drop(data);
    more.addEventListener("click", () => list.ariaBusy || this.#load(this.#cursors));
    again.addEventListener("click", () => this.#repeat());
    videos.addEventListener("mode", () => videos.mode === "live" && this.#repeat());
    search.addEventListener("input", () => this.#tidy());
    byId("filter").addEventListener("change", () => this.#choose(choices.value));
    addEventListener("popstate", () => this.#choose(named()));
    document.addEventListener("visibilitychange", () => this.#count(0));
    document.addEventListener("play", ({ target }) => {
      for (const video of document.querySelectorAll("video")) if (video !== target) video.pause();
    }, true);
    setInterval(() => this.#tick(), 1000);
  }

  async load() {
    choice((this.#group = named())).checked = true;
    this.#view.start();
    await this.#load();
  }

  /** Show an update of a job, or a new job. @param {VideoJob} job */
  async hear(job) {
    const { jobId } = job;
    const card = this.#cards.get(jobId);
    if (this.#view.card?.job.jobId === jobId) this.#view.card.update(job);
    if (ENDED.has(job.status) && !ENDED.has(this.#known.get(jobId) ?? job.status)) {
      announce(`${nameOf(job.status)}: ${shorten(job.prompt)}`);
      if (job.status !== "cancelled") this.#count(this.#ended + 1);
    }
    if (card) {
      if (!this.#put(job)) return;
      if (!isIn(job.status, this.#group)) {
        announce(`Moved to ${nameOf(job.status)}`, true);
        if (MOVES.matches) await card.element.animate({ opacity: 0 }, 500).finished;
        if (!isIn(card.job.status, this.#group)) this.#take(jobId);
      }
    } else {
      const last = [...this.#cards.values()].at(-1);
      const isFurtherDown = this.#cursors.some(Boolean) && last && age(last) > age({ job });
      if (isFurtherDown || !isIn(job.status, this.#group)) this.#known.set(jobId, job.status);
      else this.#put(job);
      this.#repeat(); // the connection works
    }
    this.#tidy();
    if (this.#cards.has(jobId)) this.#lookUp(job);
  }

  /** @param {VideoRequest} request @param {string} key */
  async create(request, key) {
    const createdAt = new Date().toISOString();
    const accepted = await this.#videos.generate(request, key);
    // The first update contains the other fields.
    const job = /** @type {any} */ ({ ...request, ...accepted, createdAt, version: 0 });
    search.value = "";
    if (!isIn(job.status, this.#group)) await this.#choose("");
    await this.hear(job);
    this.#cards.get(job.jobId)?.element.scrollIntoView({ block: "nearest" });
    announce("Queued");
  }

  /** Fetch an unfinished job with the position and estimate that lists lack. @param {VideoJob} job */
  #lookUp({ jobId, status }) {
    if (ENDED.has(status)) return;
    this.#videos.status(jobId).then((job) => this.hear(job), (error) => error.status === 404 && this.#forget(jobId)); // ignore other errors
  }

  #tick() {
    const now = Date.now();
    const cards = [...this.#cards.values(), this.#view.card].filter((card) => card !== null);
    const live = cards.filter(({ job }) => !ENDED.has(job.status)).reverse(); // the oldest are next
    for (const card of live) card.tellState();
    if (now < this.#tickedAt + TICK) return;
    this.#tickedAt = now;
    for (const card of cards) card.tellTime();
    const silent = live.filter(({ heardAt }) => now >= heardAt + SILENCE).sort((one, other) => one.heardAt - other.heardAt);
    for (const { job } of silent.slice(0, LOOK_UPS)) this.#lookUp(job);
  }

  /** @param {string} group */
  async #choose(group) {
    if (group === this.#group) return;
    this.#group = group;
    choice(group).checked = true;
    if (group !== named()) history.pushState(null, "", group ? `?status=${group}` : location.pathname);
    await this.#load();
  }

  /** Add the page at the cursors, or show the first page. @param {(string | null)[]} [cursors] */
  async #load(cursors) {
    const load = ++this.#loads;
    const group = this.#group;
    const before = [...this.#cards.keys()];
    list.ariaBusy = "true";
    more.hidden = !cursors;
    this.#fail();
    const ask = () =>
      GROUPS[group].map((status, index) => {
        const cursor = cursors?.[index];
        return cursor === null ? { items: [], nextCursor: null } : this.#videos.list({ status, limit: PAGE, cursor });
      });
    try {
      const pages = await persist(() => Promise.all(ask()), problem);
      if (load !== this.#loads) return; // the user has selected another group
      const jobs = pages.flatMap(({ items }) => items);
      const kept = new Set(jobs.map(({ jobId }) => jobId));
      for (const jobId of cursors ? [] : before) if (!kept.has(jobId)) this.#take(jobId);
      for (const job of jobs) this.#put(job);
      this.#cursors = pages.map(({ nextCursor }) => nextCursor);
      more.hidden = !this.#cursors.some(Boolean);
      if (more.hidden) this.#complete.add(group);
      if (cursors) {
        announce(`${jobs.length} more videos loaded`);
        [...this.#cards.values()][before.length]?.focus();
      }
    } catch (error) {
      if (load === this.#loads) this.#fail(error, () => this.#load(cursors));
    }
    if (load === this.#loads) list.ariaBusy = null;
    this.#tidy();
  }

  /** Show an error of the list, or remove it. @param {any} [error] @param {() => void} [repeat] */
  #fail(error, repeat = () => {}) {
    if (error?.isSignedOut) return this.#onSignedOut();
    again.hidden = !error;
    this.#repeat = repeat;
    showError(problem, error, repeat);
  }

  /** Show a job on its cards. Return whether it is new or its status has changed. @param {VideoJob} job */
  #put(job) {
    const { jobId } = job;
    const known = this.#cards.get(jobId);
    const isChanged = known?.update(job) ?? true;
    this.#known.set(jobId, known?.job.status ?? job.status);
    if (known) return isChanged;
    const card = new Card(job, this);
    const later = [...this.#cards.values()].find((other) => age(card) > age(other));
    list.insertBefore(card.element, later?.element ?? null);
    this.#cards.set(jobId, card);
    if (later) this.#cards = new Map([...this.#cards].sort(([, first], [, second]) => (age(first) > age(second) ? -1 : 1)));
    return true;
  }

  /** @param {string} jobId @returns {Promise<Card | null>} */
  async #find(jobId) {
    try {
      const job = this.#cards.get(jobId)?.job ?? (await persist(() => this.#videos.status(jobId), problem));
      return new Card(job, this, true);
    } catch (error) {
      if ([403, 404].includes(/** @type {any} */ (error).status)) announce("You have no such video.", true);
      else this.#fail(error, () => this.#view.open());
      return null;
    }
  }

  /** @param {string} jobId */
  #take(jobId) {
    this.#cards.get(jobId)?.element.remove();
    this.#cards.delete(jobId);
  }

  /** @param {string} jobId */
  #drop(jobId) {
    if (this.#view.card?.job.jobId === jobId) this.#view.close();
    const cards = [...this.#cards.values()];
    const index = cards.findIndex(({ job }) => job.jobId === jobId);
    const hadFocus = cards[index]?.element.contains(document.activeElement);
    this.#take(jobId);
    this.#known.delete(jobId);
    this.#tidy();
    if (hadFocus) (cards[index + 1] ?? cards[index - 1] ?? byId("yours")).focus();
  }

  #tidy() {
    const query = search.value.trim().toLowerCase();
    const isAll = !this.#group && !query;
    let shown = 0;
    for (const { element, job } of this.#cards.values()) {
      element.hidden = !job.prompt?.toLowerCase().includes(query) && Boolean(query);
      if (!element.hidden) shown++;
    }
    for (const { value, parentElement } of choices) {
      const count = [...this.#known.values()].filter((status) => isIn(status, value)).length;
      const isExact = this.#complete.has("") || this.#complete.has(value);
      parentElement.dataset.count = count ? `${count}${isExact ? "" : "+"}` : "";
    }
    const isEmpty = !shown && !list.ariaBusy && again.hidden;
    const [first] = this.#cards.values();
    list.classList.toggle("staged", isAll && !/failed|cancelled/.test(first?.job.status));
    search.hidden = !this.#known.size;
    byId("none").hidden = !isEmpty || !isAll;
    byId("none-of-these").hidden = !isEmpty || isAll;
    byId("none-of-these").textContent = query ? `No prompt contains “\u2068${query}\u2069”.` : `Nothing ${nameOf(this.#group).toLowerCase()}.`;
  }

  /** @param {Card} card @param {string} action */
  async act(card, action) {
    const { jobId, status, prompt, seed } = card.job;
    if (action === "play") {
      history.pushState(null, "", addressOf(jobId));
      await this.#view.open();
      this.#view.card?.play();
    } else if (action === "edit") {
      this.#view.close();
      document.dispatchEvent(new CustomEvent("videojobs:edit", { detail: requestOf(card.job) }));
    } else if (action === "seed") {
      this.#view.close();
      useSeed(seed);
    } else if (action === "download") {
      const link = { href: this.#videos.contentUrl(jobId, { download: true }), download: "" };
      // The browser would save an error of the API as a file.
      if (await this.freshen(card)) Object.assign(document.createElement("a"), link).click();
    } else if (action === "remove") {
      if (!(await confirmLoss("Delete this video?", prompt ?? "Untitled", "Delete"))) return;
      const remove = async () => (await this.#videos.remove(jobId), true);
      if (await this.#try(card, remove)) this.#forget(jobId, true);
    } else if (action === "vary" && status === "completed") {
      const { provider } = card.job;
      const request = { ...requestOf({ ...card.job, seed: null }), ...(provider && { provider }) };
      const key = randomId();
      if (await this.#try(card, async () => (await this.create(request, key), true))) this.#view.close();
    } else if (action === "cancel" || action === "retry" || action === "vary") {
      const call = () => (action === "cancel" ? this.#videos.cancel(jobId) : this.#videos.retry(jobId, action === "vary" ? { seed: "new" } : undefined));
      const job = await this.#try(card, call, action);
      if (job) this.hear(job);
    } else await this.#share(card, action === "share");
  }

  /** Return the job of a card with new URLs; null after an error, which is shown. @param {Card} card */
  async freshen(card) {
    const job = await this.#try(card, () => this.#videos.status(card.job.jobId));
    if (job) this.hear(job);
    return job;
  }

  /** Return null after an error, which is shown. @template T @param {Card} card @param {() => Promise<T>} call @param {string} [action] */
  async #try(card, call, action) {
    const { jobId, status } = card.job;
    card.wait(true);
    try {
      return await persist(call, card.problem);
    } catch (cause) {
      const error = /** @type {any} */ (cause);
      if (error.isSignedOut) this.#onSignedOut();
      else if (error.status === 404) this.#forget(jobId);
      else if (error.status !== 409) showError(card.problem, error);
      else {
        const job = await this.#videos.status(jobId).catch(() => card.job);
        this.hear(job); // the card shows what has changed
        if (action === "cancel" && job.status !== "cancelled") card.problem.textContent = "It finished before it could be cancelled.";
        else if (job.status === status) card.problem.textContent = "This video can’t be made again. Edit it and try again.";
      }
      return null;
    } finally {
      card.wait(false);
    }
  }

  /** Remove a deleted job. @param {string} jobId @param {boolean} [isOurs] Whether it was deleted here. */
  #forget(jobId, isOurs = false) {
    this.#drop(jobId);
    this.#tabs.postMessage(jobId);
    announce(isOurs ? "Deleted" : "This video was deleted.", !isOurs);
  }

  /** Share the presigned URL, or the address of the view, which requires the user's session. @param {Card} card @param {boolean} isPublic */
  async #share(card, isPublic) {
    const view = location.origin + location.pathname + addressOf(card.job.jobId);
    const url = isPublic ? this.freshen(card).then((job) => job?.videoUrl ?? Promise.reject(new DOMException("", "AbortError"))) : Promise.resolve(view);
    try {
      const done = await pass(url);
      const expiry = expiryOf(await url);
      const time = expiry ? ` for ${Math.floor((expiry.getTime() - Date.now()) / 60_000)} minutes` : "";
      announce(`Link ${done}. ${isPublic ? `Anyone with it can watch${time}.` : "It opens this video when you’re signed in."}`, true);
    } catch (error) {
      const other = isPublic ? "Download" : "its address";
      // If the URL could not be requested, the card already shows why.
      if (!isAbort(error)) url.then(() => (card.problem.textContent = `Your browser blocked copying. Use ${other} instead.`), () => {});
    }
  }

  /** Show in the title how many videos ended while the tab was hidden. @param {number} ended */
  #count(ended) {
    this.#ended = document.hidden ? ended : 0;
    document.title = this.#ended ? `(${ended}) ${TITLE}` : TITLE;
  }
}

/** Share a link, or copy it in browsers that can't share. Return `shared` or `copied`. @param {Promise<string>} url */
async function pass(url) {
  try {
    if ("share" in navigator) return await navigator.share({ url: await url }).then(() => "shared");
  } catch (error) {
    if (isAbort(error)) throw error;
  }
  const blob = url.then((text) => new Blob([text], { type: "text/plain" }));
  blob.catch(() => {}); // the browser can refuse to copy before it waits for the text
  // Called in the click handler, because some browsers allow writing to the clipboard only there.
  await navigator.clipboard.write([new ClipboardItem({ "text/plain": blob })]);
  return "copied";
}

/** Return whether there is nothing to share, or the user has closed the browser's dialog. @param {any} error */
const isAbort = (error) => error?.name === "AbortError";

/** Call again each time the connection returns if the device is offline. @type {<T>(call: () => Promise<T>, element: HTMLElement) => Promise<T>} */
async function persist(call, element) {
  for (;;) {
    try {
      showError(element);
      return await call();
    } catch (error) {
      if (/** @type {any} */ (error).code !== "OFFLINE") throw error;
      element.textContent = "You’re offline. This continues when the connection is back.";
      if (!navigator.onLine) await new Promise((resolve) => addEventListener("online", resolve, { once: true }));
    }
  }
}

/** Return the key by which jobs are sorted. @param {{ job: VideoJob }} card */
const age = ({ job }) => job.createdAt + job.jobId;

/** @type {(status: string, group: string) => boolean} */
const isIn = (status, group) => !group || GROUPS[group].includes(status);

/** @param {string} group */
const choice = (group) => [...choices].find(({ value }) => value === group);

/** @param {string} status Status or group. */
const nameOf = (status) => choice(status)?.labels[0].textContent ?? "In progress";

/** Return the group of the filter that the address names, or else that of all jobs. */
function named() {
  const name = new URLSearchParams(location.search).get("status") ?? "";
  return choice(name) ? name : "";
}
