/** The warning about letters that a sketch cannot draw. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { describeMissingScripts } from "../../../web/scripts.js";

test("text in the scripts of the typefaces, digits, signs and emoji give no warning", () => {
  for (const prompt of ["A kite", "שלום 2026", "مرحبا", "今日は안녕 nǐ hǎo", "தமிழ் తెలుగు ኢትዮጵያ", "🎉 ❤️ → € ½ (!)", "e\u0301 می\u200cخواهم", ""])
    assert.equal(describeMissingScripts(prompt), "");
});

test("the warning names the scripts", () => {
  assert.equal(describeMissingScripts("hello བོད"), "The built-in sketch can’t draw Tibetan letters yet. They will be left out.");
  assert.equal(describeMissingScripts("ᏣᎳᎩ བོད"), "The built-in sketch can’t draw Cherokee and Tibetan letters yet. They will be left out.");
});

test("a script without a name in the list is reported without its name", () => {
  assert.equal(describeMissingScripts("𐐀"), "The built-in sketch can’t draw some of these letters yet. They will be left out.");
});
