// @ts-check
/** Warning about the letters of a prompt that the sketch cannot draw, because no typeface of the renderer contains them. */

const DRAWN = [
  "Arabic", "Armenian", "Bengali", "Bopomofo", "Cyrillic", "Devanagari", "Ethiopic", "Georgian", "Greek", "Gujarati", "Gurmukhi", "Han", "Hangul",
  "Hebrew", "Hiragana", "Kannada", "Katakana", "Khmer", "Lao", "Latin", "Malayalam", "Myanmar", "Oriya", "Sinhala", "Tamil", "Telugu", "Thai",
]; // prettier-ignore
const MISSING = [
  "Adlam", "Balinese", "Buginese", "Canadian_Aboriginal", "Cham", "Cherokee", "Coptic", "Cuneiform", "Egyptian_Hieroglyphs", "Gothic", "Javanese",
  "Lisu", "Mongolian", "Nko", "Ol_Chiki", "Runic", "Sundanese", "Syriac", "Thaana", "Tibetan", "Tifinagh", "Vai", "Yi",
]; // prettier-ignore
const isDrawn = new RegExp(`^[${[...DRAWN, "Common", "Inherited"].map((script) => `\\p{Script=${script}}`).join("")}]$`, "u");
const names = MISSING.map((script) => ({ name: script.replace("_", " "), letter: new RegExp(`\\p{Script=${script}}`, "u") }));
const list = new Intl.ListFormat("en");

/**
 * Return a sentence about the letters that a sketch of the prompt would omit, or an empty text.
 * @param {string} prompt
 */
export function describeMissingScripts(prompt) {
  const letters = (prompt.match(/\p{L}/gu) ?? []).filter((letter) => !isDrawn.test(letter));
  if (!letters.length) return "";
  const known = names.filter(({ letter }) => letters.some((other) => letter.test(other))).map(({ name }) => name);
  const which = known.length ? `${list.format(known)} letters` : "some of these letters";
  return `The built-in sketch can’t draw ${which} yet. They will be left out.`;
}
