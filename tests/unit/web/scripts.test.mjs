/** The warning about letters that a sketch cannot draw. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { describeMissingScripts } from "../../../web/scripts.js";

test("text in the scripts of the typefaces, digits, signs and emoji give no warning", () => {
  for (const prompt of ["A kite", "שלום 2026", "مرحبا", "今日は안녕 nǐ hǎo", "தமிழ் తెలుగు ኢትዮጵያ", "🎉 ❤️ → € ½ (!)", "e\u0301 می\u200cخواهم", ""])
    assert.equal(describeMissingScripts(prompt), "");
});

test("the warning shows the letters of other scripts, at most twenty of them", () => {
  const start = "The built-in sketch can’t draw these letters and will leave them out: ";
  assert.equal(describeMissingScripts("hello བོད, ᏣᎳᎩ"), start + "བོདᏣᎳᎩ");
  assert.equal(describeMissingScripts("𐐀".repeat(500)), start + "𐐀".repeat(20));
});
