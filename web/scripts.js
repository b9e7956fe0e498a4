// @ts-check
/** Warning about letters that the sketch can't draw, because no typeface of the renderer contains them. */

const DRAWN = (
  "Arabic Armenian Bengali Bopomofo Cyrillic Devanagari Ethiopic Georgian Greek Gujarati Gurmukhi Han Hangul Hebrew Hiragana Kannada " +
  "Katakana Khmer Lao Latin Malayalam Myanmar Oriya Sinhala Tamil Telugu Thai Common Inherited"
).split(" ");
const missing = new RegExp(`[^${DRAWN.map((script) => `\\p{Script=${script}}`).join("")}]+`, "gu");

/**
 * Return a sentence about the letters that a sketch of the prompt would omit, or an empty text.
 * @param {string} prompt
 */
export function describeMissingScripts(prompt) {
  const letters = [...(prompt.match(missing) ?? []).join("")].slice(0, 20).join("");
  return letters && `The built-in sketch can’t draw these letters and will leave them out: ${letters}`;
}
