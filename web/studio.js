// @ts-check
/** Studio page: connects the form, the gallery and the live updates. */

import { forgetDraft, offer, prepareComposer, readDraft, resend, restoreDraft, suggest } from "./composer.js";
import { Gallery } from "./gallery.js";
import { announce, byId, shownJob } from "./page.js";
import { VideoJobs } from "./videojobs.js";
import { keepView } from "./view.js";

/** @import { Mode, VideoRequest } from "./videojobs.js" */
/** @typedef {{ liveUrl?: string | null, signInUrl?: string | null, signOutUrl?: string, user?: string }} Settings */

/** @type {VideoRequest[]} */
const IDEAS = [
  { prompt: "A paper boat sails through a thunderstorm of confetti", style: "fun", duration: 8, aspectRatio: "16:9" },
  { prompt: "A lighthouse hums to the moon", style: "calm", duration: 6, aspectRatio: "9:16" },
  { prompt: "Deep space, distant galaxies", style: "background", duration: 10, aspectRatio: "1:1" },
];
/** Shorter interruptions of the live updates are not shown. */
const QUIET_SECONDS = 1.5;

/** @type {Settings} */
let settings = {};

start();

async function start() {
  const ready = readSettings().then((content) => {
    settings = content;
    const videos = new VideoJobs({ liveUrl: settings.liveUrl ?? null });
    return { videos, gallery: new Gallery(videos, showSignedOut) };
  });
  const check = async (/** @type {string | undefined} */ jobId) => (await isForeign((await ready).videos, jobId)) && location.reload();
  for (const idea of IDEAS) byId("ideas").append(makeIdea(idea));
  prepareComposer(async (request, key) => {
    const { videos, gallery } = await ready;
    const before = shownJob();
    try {
      await gallery.create(request, key);
      check(before);
    } catch (error) {
      const refused = /** @type {any} */ (error);
      const limit = videos.rateLimits.generate?.limit;
      if (refused.isSignedOut) showSignedOut();
      if (refused.status === 429 && limit) refused.message = `You can make ${limit} videos a minute.`;
      throw error;
    }
  });

  const { videos, gallery } = await ready;
  showAccount();
  if (settings.liveUrl) videos.addEventListener("mode", () => showMode(videos.mode));
  addEventListener("online", resend);
  for (const event of ["online", "offline"]) addEventListener(event, () => showMode(videos.mode));
  videos.options().then((options) => offer(options, videos), () => {}); // the form works without them
  isForeign(videos, readDraft()?.jobId).then((isOther) => isOther || restoreDraft());
  await gallery.load();
  if (!byId("signed-out").hidden) return;
  for (const event of ["focus", "visibilitychange"]) addEventListener(event, () => document.hidden || check(shownJob()));
  videos.followAll((job) => gallery.hear(job), (error) => error.isSignedOut && showSignedOut());
}

/** @returns {Promise<Settings>} */
async function readSettings() {
  try {
    return await (await fetch("config.json")).json();
  } catch {
    return {}; // without settings, the page polls
  }
}

function showAccount() {
  const { signInUrl, signOutUrl, user } = settings;
  const account = byId("account");
  if (signInUrl) Object.assign(account, { href: signInUrl, hidden: false });
  if (!user) return;
  Object.assign(account, { textContent: user, ariaLabel: `Account: ${user}` });
  account.dataset.initial = user[0];
  if (signOutUrl) Object.assign(byId("sign-out"), { action: signOutUrl, hidden: false, onsubmit: forgetDraft });
}

/** Return whether another user than the job's has signed in. If so, delete the draft. @param {VideoJobs} videos @param {string} [jobId] */
async function isForeign(videos, jobId) {
  try {
    if (jobId) await videos.status(jobId);
  } catch (error) {
    const { isSignedOut, status } = /** @type {any} */ (error);
    if (isSignedOut) showSignedOut();
    if (status === 403) forgetDraft();
    return status === 403;
  }
  return false;
}

/** @param {VideoRequest} idea */
function makeIdea(idea) {
  const item = document.createElement("li");
  const button = item.appendChild(document.createElement("button"));
  const art = button.appendChild(document.createElement("span"));
  art.className = "art";
  Object.assign(art.dataset, { style: idea.style, ratio: idea.aspectRatio });
  button.append(idea.prompt);
  button.addEventListener("click", () => suggest(idea));
  return item;
}

/** @type {ReturnType<typeof setTimeout> | undefined} */
let modeTimer;
/** Whether an interruption of the live updates was shown. */
let isPaused = false;

/** @type {Record<string, string>} */
const MODES = { live: "Live", polling: "Updating every few seconds", offline: "Offline" };

/** @param {Mode | "offline"} mode */
function showMode(mode) {
  if (!navigator.onLine) mode = "offline";
  const chip = byId("mode");
  chip.hidden = !MODES[mode];
  chip.dataset.mode = mode;
  chip.textContent = MODES[mode];
  clearTimeout(modeTimer);
  if (mode === "live") resend();
  if (mode === "polling" && !isPaused) {
    modeTimer = setTimeout(() => {
      isPaused = true;
      announce("Live updates are paused. Checking every few seconds.", true);
    }, QUIET_SECONDS * 1000);
  } else if (mode === "live" && isPaused) {
    isPaused = false;
    announce("Live updates are back.", true);
  }
}

function showSignedOut() {
  const { signInUrl } = settings;
  if (!byId("signed-out").hidden) return;
  keepView();
  for (const id of ["studio", "mode", "account", "sign-out"]) byId(id).hidden = true;
  byId("signed-out").hidden = false;
  const words = signInUrl
    ? "You’re signed out. Sign in to pick up where you left off."
    : "Sign in on the platform, then come back and load this page again.";
  byId("sign-in-words").textContent = readDraft() ? `${words} Your draft is kept.` : words;
  if (signInUrl) Object.assign(byId("sign-in"), { href: signInUrl, hidden: false });
  byId("signed-out").querySelector("h1").focus();
}
