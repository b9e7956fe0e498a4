/** The studio's texts for errors. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { explain } from "../../../web/page.js";
import { VideoJobsError } from "../../../web/videojobs.js";

const AGAIN = "Something went wrong on our side. Try again.";

for (const [status, code, text] of [
  [404, "NOT_FOUND", "This video no longer exists."],
  [500, "INTERNAL_ERROR", `${AGAIN} If it keeps happening, send us this code: r1`],
  [502, "BAD_RESPONSE", "We couldn’t reach the server (502). Try again in a moment."],
  [503, "UNAVAILABLE", "New videos are paused."],
  [0, "OFFLINE", "New videos are paused."],
]) {
  test(`the text for ${code}`, () => {
    assert.equal(explain(new VideoJobsError("New videos are paused.", { status, code, requestId: "r1" })), text);
  });
}

test("an error of the page does not show its message", () => {
  assert.equal(explain(new TypeError("undefined is not a function")), AGAIN);
});
