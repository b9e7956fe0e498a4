// @ts-check
/** Studio page: connects the form, the gallery and the live updates. */

import { fill, prepareComposer } from "./composer.js";
import { byId } from "./dom.js";
import { Gallery } from "./gallery.js";
import { VideoJobs } from "./videojobs.js";

/** @typedef {import("./videojobs.js").VideoRequest} VideoRequest */

/** @type {VideoRequest[]} */
const IDEAS = [
  { prompt: "A paper boat sails through a thunderstorm of confetti", style: "fun", duration: 8, aspectRatio: "16:9" },
  { prompt: "A lighthouse hums to the moon", style: "calm", duration: 6, aspectRatio: "9:16" },
  { prompt: "Deep space, distant galaxies", style: "background", duration: 10, aspectRatio: "1:1" },
];
const BANNER_SECONDS = 5;
/** Shorter interruptions of the live updates are not shown. */
const QUIET_SECONDS = 1.5;

start();

async function start() {
  const { liveUrl = null, signInUrl = null } = await readSettings();
  const videos = new VideoJobs({ liveUrl });
  const onSignedOut = () => showSignedOut(signInUrl);
  const gallery = new Gallery(videos, { announce, onSignedOut });
  if (signInUrl) Object.assign(byId("account"), { href: signInUrl, hidden: false });
  for (const idea of IDEAS) byId("ideas").append(makeIdea(idea));
  prepareComposer(async (request) => {
    const now = new Date().toISOString();
    try {
      const { jobId, status } = await videos.generate(request);
      // The first update contains the other fields.
      await gallery.add(/** @type {any} */ ({ ...request, jobId, status, createdAt: now, version: 0 }));
      announce("Queued");
    } catch (error) {
      if (/** @type {any} */ (error).isSignedOut) onSignedOut();
      else throw error;
    }
  });
  if (liveUrl) videos.addEventListener("mode", () => showMode(videos.mode));
  byId("studio").hidden = false;
  await gallery.load();
  if (byId("signed-out").hidden) videos.followAll((job) => gallery.hear(job), (error) => error.isSignedOut && onSignedOut());
}

/** @returns {Promise<{ liveUrl?: string | null, signInUrl?: string | null }>} */
async function readSettings() {
  try {
    return await (await fetch("config.json")).json();
  } catch {
    return {}; // without settings, the page polls
  }
}

/** @param {VideoRequest} idea */
function makeIdea(idea) {
  const item = document.createElement("li");
  const button = item.appendChild(document.createElement("button"));
  const art = button.appendChild(document.createElement("span"));
  art.className = "art";
  art.dataset.style = idea.style;
  button.append(idea.prompt);
  button.addEventListener("click", () => fill(idea));
  return item;
}

/** @type {ReturnType<typeof setTimeout> | undefined} */
let modeTimer;
/** Text of the banner while the live updates are interrupted. */
let standing = "";

/** @param {import("./videojobs.js").Mode} mode */
function showMode(mode) {
  byId("mode").hidden = mode !== "live" && mode !== "polling";
  byId("mode").dataset.mode = mode;
  byId("mode").textContent = mode === "live" ? "Live" : "Every few seconds";
  clearTimeout(modeTimer);
  if (mode === "polling" && !standing) {
    modeTimer = setTimeout(() => {
      standing = "Live updates are interrupted. Looking every few seconds instead.";
      showBanner(standing);
    }, QUIET_SECONDS * 1000);
  } else if (mode === "live" && standing) {
    standing = "";
    showBanner("Live again.", BANNER_SECONDS);
  }
}

/** @type {ReturnType<typeof setTimeout> | undefined} */
let bannerTimer;

/**
 * @param {string} words
 * @param {number} [seconds] How long the text is shown before a standing text returns; without it, until it is replaced.
 */
function showBanner(words, seconds) {
  clearTimeout(bannerTimer);
  byId("banner").textContent = words;
  byId("banner").classList.add("shown");
  if (seconds) bannerTimer = setTimeout(() => (standing ? showBanner(standing) : byId("banner").classList.remove("shown")), seconds * 1000);
}

/**
 * Announce a change to screen readers, or show it in the banner if nothing else on the page shows it.
 * @param {string} words
 * @param {boolean} [isSeen] Whether to use the banner.
 */
function announce(words, isSeen = false) {
  if (isSeen) showBanner(words, BANNER_SECONDS);
  else byId("news").textContent = words;
}

/** @param {string | null} signInUrl */
function showSignedOut(signInUrl) {
  if (!byId("signed-out").hidden) return;
  byId("studio").hidden = true;
  byId("mode").hidden = true;
  byId("signed-out").hidden = false;
  byId("sign-in-words").textContent = signInUrl
    ? "Your session has ended, or has not begun."
    : "Sign in on the platform, then come back and load this page again.";
  if (signInUrl) Object.assign(byId("sign-in"), { href: signInUrl, hidden: false });
  byId("signed-out").querySelector("h1").focus();
}
