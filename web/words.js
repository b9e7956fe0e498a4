// @ts-check
/** Texts on cards and about the prompt. */

/** @import { VideoJob, VideoRequest } from "./videojobs.js" */

const LABEL_LENGTH = 80;
const DEFAULT_RESOLUTION = "720p";
const AGO = new Intl.RelativeTimeFormat("en", { numeric: "auto" });
const DATE = new Intl.DateTimeFormat("en-GB", { dateStyle: "long", timeStyle: "medium" });
const ORDINALS = new Intl.PluralRules("en", { type: "ordinal" });
/** Scripts of the renderer’s typefaces. */
const DRAWN = (
  "Arabic Armenian Bengali Bopomofo Cyrillic Devanagari Ethiopic Georgian Greek Gujarati Gurmukhi Han Hangul Hebrew Hiragana Kannada " +
  "Katakana Khmer Lao Latin Malayalam Myanmar Oriya Sinhala Tamil Telugu Thai Common Inherited"
).split(" ");
const MISSING = new RegExp(`[^${DRAWN.map((script) => `\\p{Script=${script}}`).join("")}]+`, "gu");
/** @type {Record<string, string>} */
const TEXTS = { one: "st", two: "nd", few: "rd", other: "th", fun: "Fun", calm: "Calm", background: "Background", failed: "Failed", cancelled: "Cancelled", sound: "sound", negativePrompt: "what to avoid", seed: "seed" };

/** Expected end of a job, by the progress that this page has seen or else by the API's estimate. */
export class Countdown {
  /** @type {{ at: number, done: number } | null} */
  #first = null;
  #end = NaN;

  /** @param {VideoJob} job @param {number} now */
  hear({ status, progress, estimatedSecondsLeft }, now) {
    const done = progress ?? 0;
    if (status !== "processing") this.#first = null;
    else this.#first ??= { at: now, done };
    if (!this.#first) this.#end = NaN;
    else if (done >= this.#first.done + 0.1) this.#end = now + ((now - this.#first.at) * (1 - done)) / (done - this.#first.done);
    else if (estimatedSecondsLeft) this.#end = now + estimatedSecondsLeft * 1000;
  }

  /** Return the seconds until then, negative after it; NaN if it is unknown. @param {number} now */
  left(now) {
    return Math.ceil((this.#end - now) / 1000);
  }
}

/** @param {VideoJob} job @param {number} left Seconds; NaN if unknown. */
export function sayState({ status, queuePosition: place }, left) {
  if (status === "queued") return place === 1 ? "Next in line" : place ? `${place}${TEXTS[ORDINALS.select(place)]} in line` : "In line";
  if (status !== "processing") return TEXTS[status] ?? "";
  if (left > 0) return `Making it · about ${left < 90 ? `${left} s` : `${Math.round(left / 60)} min`} left`;
  return isNaN(left) ? "Making it" : left > -15 ? "Almost there…" : "Taking longer than usual";
}

/** @param {number} seconds Negative for times in the past. */
export function sayAgo(seconds) {
  if (seconds > -45) return "just now";
  if (seconds > -45 * 60) return AGO.format(Math.round(seconds / 60), "minute");
  if (seconds > -22 * 3600) return AGO.format(Math.round(seconds / 3600), "hour");
  return AGO.format(Math.round(seconds / 86400), "day");
}

/** @param {string} time */
export const sayDate = (time) => DATE.format(new Date(time));

/** @param {VideoJob} job @param {boolean} isExact Whether to add all options and the properties of the file. */
export function sayFacts({ style, duration, aspectRatio, output, resolution, sound, negativePrompt, seed }, isExact) {
  const facts = [style && TEXTS[style], duration && `${Number(duration.toFixed(2))} s`, aspectRatio];
  if (isExact || resolution !== DEFAULT_RESOLUTION) facts.push(resolution);
  if (sound) facts.push("Sound");
  if (isExact && negativePrompt) facts.push(`Without “\u2068${negativePrompt}\u2069”`);
  if (isExact && seed != null) facts.push(`Seed ${seed}`);
  if (isExact && output) facts.push(`${output.width} × ${output.height} pixels`, `${Math.max(output.bytes / 1e6, 0.1).toFixed(1)} MB`);
  return facts.filter(Boolean).join(" · ");
}

/** @param {VideoJob} job */
export function sayIgnored({ ignored = [] }) {
  return ignored.length ? `This provider doesn’t support: ${ignored.map((name) => TEXTS[name] ?? name).join(", ")}.` : "";
}

/** Return the request of a form, a draft or a job, without defaults. @param {any} fields @returns {VideoRequest} */
export function requestOf({ prompt, style, duration, aspectRatio, resolution, sound, negativePrompt, seed }) {
  return {
    prompt,
    style,
    duration: Number(duration),
    aspectRatio,
    ...(resolution && resolution !== DEFAULT_RESOLUTION && { resolution }),
    ...(sound && { sound: true }),
    ...(negativePrompt?.trim() && { negativePrompt }),
    ...(`${seed ?? ""}` && { seed: Number(seed) }),
  };
}

/** Return the beginning of a long prompt, for labels. @param {string | null} prompt */
export function shorten(prompt) {
  const characters = [...(prompt ?? "Untitled")];
  return characters.length > LABEL_LENGTH ? `${characters.slice(0, LABEL_LENGTH - 1).join("")}…` : characters.join("");
}

/** Return a sentence about the letters that a sketch of the prompt would omit, or an empty text. @param {string} prompt */
export function describeMissingScripts(prompt) {
  const letters = [...(prompt.match(MISSING) ?? []).join("")].slice(0, 20).join("");
  return letters && `The built-in sketch can’t draw these letters and will leave them out: ${letters}`;
}
